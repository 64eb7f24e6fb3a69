/** What could be typed next into the query line. */

import type { FacetValue } from "../api/types";
import { LEVELS } from "../api/types";
import { quote, tokenise } from "./query";

export interface Suggestion {
  /** What stands in the list. */
  text: string;
  note: string;
  /** What replaces the last word of the draft. */
  insert: string;
  /** Whether the term is whole and becomes a pill. */
  whole: boolean;
}

/** The last word of what is typed, as far as completion goes. */
export interface Stub {
  /** Where it starts in the draft. */
  start: number;
  negation: string;
  /** Set once the colon is typed. */
  field?: string;
  /** Values of the list before the one being typed. */
  before: string;
  /** What there is of the name or value. */
  prefix: string;
}

/** Reads the end of a draft; null when there is nothing to complete (inside a phrase). */
export function stub(draft: string): Stub | null {
  const last = draft === "" || /\s$/.test(draft) ? undefined : tokenise(draft).at(-1);
  const raw = last?.raw ?? "";
  const start = draft.length - raw.length;
  const negation = last?.negated ? "-" : "";
  if (!last) return { start, negation, before: "", prefix: "" };
  if (last.field === undefined) {
    return last.values[0]?.quoted
      ? null
      : { start, negation, before: "", prefix: last.values[0]?.text ?? "" };
  }
  const value = last.values.at(-1);
  if (!value || /^[<>]/.test(value.operator)) return null;
  const written = raw.slice(negation.length + last.field.length + 1);
  const before = value.quoted
    ? written.slice(0, written.lastIndexOf('"', written.length - 2))
    : written.slice(0, written.length - value.text.length);
  return { start, negation, field: last.field, before, prefix: value.text };
}

const HINTS: Record<string, string> = {
  level: "this level and above",
  duration_ms: "ms, as in duration_ms:>500",
  message: "text of the message",
};
const MOST = 12;

/** Fields whose name has the typed part in it, the best matches first. */
export function fieldSuggestions(at: Stub, fields: { field: string; type: string }[]): Suggestion[] {
  const wanted = at.prefix.toLowerCase();
  return fields
    .map((each) => ({ each, place: each.field.toLowerCase().indexOf(wanted) }))
    .filter(({ place }) => place >= 0)
    .sort((a, b) => rank(a.each.field, wanted) - rank(b.each.field, wanted))
    .slice(0, MOST)
    .map(({ each }) => ({
      text: `${each.field}:`,
      note: HINTS[each.field] ?? each.type,
      insert: `${at.negation}${each.field}:`,
      whole: false,
    }));
}

function rank(field: string, wanted: string): number {
  const name = field.toLowerCase();
  if (name.startsWith(wanted)) return 0;
  return name.startsWith(`extra.${wanted}`) ? 1 : 2;
}

/** Values of the field that have the typed part in them. */
export function valueSuggestions(at: Stub, values: FacetValue[]): Suggestion[] {
  const known: FacetValue[] =
    at.field === "level"
      ? LEVELS.map((level) => values.find((each) => each.value === level) ?? { value: level, count: 0 })
      : values;
  const wanted = at.prefix.toLowerCase();
  return known
    .filter((each) => String(each.value).toLowerCase().includes(wanted))
    .slice(0, MOST)
    .map((each) => {
      const text = String(each.value);
      const shown = at.field === "level" ? text.toLowerCase() : text;
      return {
        text: shown,
        note: each.count > 0 ? String(each.count) : "",
        insert: `${at.negation}${at.field}:${at.before}${quote(shown)}`,
        whole: true,
      };
    });
}
