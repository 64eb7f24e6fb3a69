/** What the Logs page is asked to show, read from the address bar. */

import { computed, signal } from "@preact/signals";
import type { LogFilter } from "../../api/types";
import { param, params, update } from "../../state/location";
import { asked } from "../../state/range";
import { scoped } from "../../state/scope";
import { toggle, words } from "../../text/query";

export const query = param("q");
export const view = computed<"lines" | "patterns">(() =>
  params.value.get("view") === "patterns" ? "patterns" : "lines",
);
/** Id of the line in the panel. */
export const opened = param("log");

const columnsParam = param("cols");
export const columns = computed(() => columnsParam.value.split(",").filter(Boolean));

const facetsParam = param("facets");
/** Fields shown as facets besides the usual ones. */
export const extraFacets = computed(() => facetsParam.value.split(",").filter(Boolean));

export const filter = computed<LogFilter>(() => ({
  ...scoped.value,
  ...(query.value === "" ? {} : { q: query.value }),
}));

/** Changes whenever the answers may: another filter, or the same one asked again. */
export const filterKey = computed(() => `${JSON.stringify(filter.value)} ${asked.value}`);

/** Counted up now and then in live mode, so that the counts keep up with the lines. */
export const ticks = signal(0);
export const countsKey = computed(() => `${filterKey.value} ${ticks.value}`);

/** Words to mark in messages. */
export const marks = computed(() => words(query.value));

/** Asks another query. */
export function ask(next: string): void {
  update({ q: next });
}

/** Keeps only (or, with `exclude`, shuts out) what has a value; a second click takes that back. */
export function pick(field: string, value: string, exclude: boolean): void {
  ask(toggle(query.value, field, value, exclude));
}

/** Shows a field as a column, or hides it. */
export function toggleColumn(field: string): void {
  const now = columns.value;
  update({ cols: (now.includes(field) ? now.filter((each) => each !== field) : [...now, field]).join(",") });
}

/** Opens a line in the panel; while one is open, the next takes its step in the history. */
export function open(id: string | null): void {
  update({ log: id }, id !== null && opened.value !== "");
}

/** The filter as parameters of a GET: tail and export. */
export function asParams(): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(filter.value)) {
    for (const each of Array.isArray(value) ? value : [value]) search.append(name, String(each));
  }
  return search;
}
