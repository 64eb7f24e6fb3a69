/** What could stand where the caret is in a PromQL expression. */

import type { Family } from "./answers";

export interface Completion {
  text: string;
  note: string;
  /** What takes the place of the text from `start` to `end`. */
  insert: string;
  start: number;
  end: number;
  /** The caret goes before the last letter (inside the parentheses). */
  inside: boolean;
}

const AGGREGATIONS = "sum avg min max count group stddev stdvar topk bottomk quantile count_values".split(
  " ",
);
const FUNCTIONS = (
  "rate increase irate delta idelta deriv predict_linear histogram_quantile histogram_count histogram_sum " +
  "histogram_fraction avg_over_time min_over_time max_over_time sum_over_time count_over_time quantile_over_time " +
  "stddev_over_time stdvar_over_time last_over_time present_over_time absent absent_over_time changes resets " +
  "label_replace label_join abs ceil floor round clamp clamp_min clamp_max exp ln log2 log10 sqrt sgn sort sort_desc " +
  "scalar vector time timestamp minute hour day_of_week day_of_month month year"
).split(" ");
const MOST = 10;

/**
 * Completions at the caret, the best first; none where nothing has been typed.
 *
 * @param labels names of labels, offered inside braces and behind `by`, `without`, `on` and `ignoring`.
 */
export function completions(text: string, caret: number, families: Family[], labels: string[]): Completion[] {
  const before = text.slice(0, caret);
  if (quoted(before)) return [];
  const word = /[A-Za-z_:][\w:]*$/.exec(before)?.[0] ?? "";
  const start = caret - word.length;
  const place = before.slice(0, start);
  if (word === "" || /[\d.\]]$/.test(place) || /\[[^\]]*$/.test(place)) return [];
  const here = { start, end: caret };
  if (/\{[^}]*$/.test(place) || /\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*$/.test(place)) {
    const braces = /\{[^}]*$/.test(place);
    return ranked(labels, word).map((label) => ({
      ...here,
      text: label,
      note: "label",
      insert: braces ? `${label}=""` : label,
      inside: braces,
    }));
  }
  const notes = new Map<string, string>(families.map((family) => [family.name, family.kind]));
  const known = [...notes.keys()];
  for (const name of AGGREGATIONS) notes.set(name, "aggregation");
  for (const name of FUNCTIONS) notes.set(name, "function");
  return ranked([...AGGREGATIONS, ...FUNCTIONS, ...known], word).map((name) => {
    const call = /^(aggregation|function)$/.test(notes.get(name) ?? "");
    return {
      ...here,
      text: name,
      note: notes.get(name) ?? "",
      insert: call ? `${name}()` : name,
      inside: call,
    };
  });
}

/** Whether the end of the text is inside a string. */
function quoted(text: string): boolean {
  let open = "";
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] as string;
    if (open !== "" && letter === "\\" && open !== "`") at += 1;
    else if (open === letter) open = "";
    else if (open === "" && /["'`]/.test(letter)) open = letter;
  }
  return open !== "";
}

/** Names with the word in them: those that begin with it first, then those with a part that does. */
function ranked(names: string[], word: string): string[] {
  const wanted = word.toLowerCase();
  const rank = (name: string) => {
    const lower = name.toLowerCase();
    if (lower.startsWith(wanted)) return 0;
    return lower.includes(`_${wanted}`) ? 1 : lower.includes(wanted) ? 2 : 3;
  };
  return names
    .map((name) => ({ name, rank: rank(name) }))
    .filter((each) => each.rank < 3 && each.name !== word)
    .sort((one, other) => one.rank - other.rank || one.name.length - other.name.length)
    .slice(0, MOST)
    .map((each) => each.name);
}
