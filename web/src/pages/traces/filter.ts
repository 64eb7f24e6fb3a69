/** What the Traces page is asked to show, read from the address bar. */

import { computed } from "@preact/signals";
import type { TraceFilter } from "../../api/types";
import { param, params, update } from "../../state/location";
import { asked } from "../../state/range";
import { scoped } from "../../state/scope";

export const query = param("q");
export const failedOnly = computed(() => params.value.get("status") === "ERROR");
export const orderBy = computed<"start_time" | "duration_ms">(() =>
  params.value.get("sort") === "duration" ? "duration_ms" : "start_time",
);

const shortestParam = param("min");
const longestParam = param("max");

/** Reads a length of time: `250`, `250ms`, `1.5s`, `2m`; milliseconds. */
export function readLength(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(us|µs|ms|s|m|h)?\s*$/.exec(text);
  if (!match) return undefined;
  const factors: Record<string, number> = { us: 0.001, µs: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  return Number(match[1]) * (factors[match[2] ?? "ms"] as number);
}

/** Bounds of the duration in ms, as they stand in the address bar. */
export const shortest = computed(() => readLength(shortestParam.value));
export const longest = computed(() => readLength(longestParam.value));

export const filter = computed<TraceFilter>(() => ({
  ...scoped.value,
  ...(query.value === "" ? {} : { q: query.value }),
  ...(failedOnly.value ? { status: "ERROR" as const } : {}),
  ...(shortest.value === undefined ? {} : { min_duration_ms: shortest.value }),
  ...(longest.value === undefined ? {} : { max_duration_ms: longest.value }),
}));

export const filterKey = computed(() => `${JSON.stringify(filter.value)} ${asked.value}`);

/** Sets the bounds of the duration, ms; undefined takes one away. */
export function setLengths(
  from: number | undefined,
  to: number | undefined,
  others: Record<string, string | null> = {},
): void {
  const written = (ms: number | undefined) => (ms === undefined ? null : String(Number(ms.toPrecision(3))));
  update({ min: written(from), max: written(to), ...others });
}

/** Whether anything but the scope narrows the list down. */
export const narrowed = computed(
  () => query.value !== "" || failedOnly.value || shortest.value !== undefined || longest.value !== undefined,
);
