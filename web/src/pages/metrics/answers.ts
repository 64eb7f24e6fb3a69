/** What the page asks the server: the Prometheus HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/). */

import { get } from "../../api/client";
import type { Kind } from "./promql";

interface Envelope<T> {
  status: "success" | "error";
  data: T;
  warnings?: string[];
}

/** One line of a chart: times in seconds, values; what is missing is null. */
export interface Line {
  labels: Record<string, string>;
  times: number[];
  values: number[];
}

interface Matrix {
  resultType: "matrix";
  result: { metric: Record<string, string>; values?: [number, string][] }[];
}

async function ask<T>(path: string, given: Record<string, string>, signal?: AbortSignal): Promise<T> {
  const search = new URLSearchParams(given);
  const answer = await get<Envelope<T>>(`/api/v1/${path}?${search}`, signal);
  return answer.data;
}

/** Values of an expression over a range; times in seconds. */
export async function queryRange(
  expression: string,
  start: number,
  end: number,
  step: number,
  signal?: AbortSignal,
): Promise<Line[]> {
  const data = await ask<Matrix>(
    "query_range",
    { query: expression, start: String(start), end: String(end), step: String(step) },
    signal,
  );
  return data.result.map(({ metric, values = [] }) => ({
    labels: metric,
    times: values.map(([time]) => time),
    values: values.map(([, value]) => number(value)),
  }));
}

function number(text: string): number {
  return text === "+Inf"
    ? Number.POSITIVE_INFINITY
    : text === "-Inf"
      ? Number.NEGATIVE_INFINITY
      : Number(text);
}

/** A metric by its name: all of its series are one family. */
export interface Family {
  name: string;
  kind: Kind;
  help: string;
  unit: string;
  /** Names of its labels. */
  labels: string[];
  /** How many series it has. */
  series: number;
}

interface Catalogued {
  name: string;
  kind: string;
  unit: string;
  description: string;
  labels: string[];
  series: number;
}

const KINDS: readonly string[] = ["counter", "gauge", "histogram", "summary"];

/** Every metric that had a sample since a moment (seconds), in order. */
export async function families(start: number, signal?: AbortSignal): Promise<Family[]> {
  const days = Math.min(3660, Math.max(1, (Date.now() / 1000 - start) / 86_400));
  const { metrics } = await get<{ metrics: Catalogued[] }>(`/v1/metrics/catalogue?days=${days}`, signal);
  return metrics
    .map(({ name, kind, unit, description, labels, series }): Family => {
      const guess: Kind = name.endsWith("_total") ? "counter" : "unknown";
      return {
        name,
        kind: KINDS.includes(kind) ? (kind as Kind) : guess,
        help: description,
        unit,
        labels,
        series,
      };
    })
    .sort((one, other) => one.name.localeCompare(other.name));
}

/** Labels of the series of a metric, each with how many values it has, the fewest first. */
export async function labelsOf(
  family: Family,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<{ label: string; values: string[] }[]> {
  const name =
    family.kind === "histogram" || family.kind === "summary" ? `${family.name}_count` : family.name;
  const series = await ask<Record<string, string>[]>(
    "series",
    { "match[]": name, start: String(start), end: String(end) },
    signal,
  );
  const values = new Map<string, Set<string>>();
  for (const one of series) {
    for (const [label, value] of Object.entries(one)) {
      if (label !== "__name__") values.set(label, (values.get(label) ?? new Set()).add(value));
    }
  }
  return [...values]
    .map(([label, set]) => ({ label, values: [...set].sort() }))
    .sort((one, other) => one.values.length - other.values.length || one.label.localeCompare(other.label));
}

/** A single observation, with the trace that it was made in. */
export interface Exemplar {
  time: number;
  value: number;
  trace: string;
}

interface ExemplarSeries {
  exemplars: { labels: Record<string, string>; value: string; timestamp: number }[];
}

/** Observations behind an expression that carry a trace. */
export async function exemplars(
  expression: string,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<Exemplar[]> {
  const found = await ask<ExemplarSeries[]>(
    "query_exemplars",
    { query: expression, start: String(start), end: String(end) },
    signal,
  );
  const all = found.flatMap((series) =>
    series.exemplars.map((one) => ({
      time: Number(one.timestamp),
      value: number(one.value),
      trace: one.labels.trace_id ?? one.labels.traceID ?? "",
    })),
  );
  return all.filter((one) => one.trace !== "");
}

/** Label names that the store knows, for completion. */
export function labelNames(signal?: AbortSignal): Promise<string[]> {
  return ask<string[]>("labels", {}, signal);
}
