/** The expressions behind the views of a metric. */

import type { ChartSpec, View } from "./spec";

/** What a metric is, in Prometheus's words. */
export type Kind = "counter" | "gauge" | "histogram" | "summary" | "unknown";

/** Views of a kind, the one that suits best first, with what the menu says. */
export const VIEWS: Record<Kind, [View, string][]> = {
  counter: [
    ["rate", "per second"],
    ["increase", "per step"],
    ["value", "total"],
  ],
  gauge: [
    ["value", "each series"],
    ["sum", "sum"],
    ["avg", "average"],
    ["max", "highest"],
  ],
  histogram: [
    ["quantiles", "p50 · p95 · p99"],
    ["heat", "heat map"],
    ["mean", "mean"],
    ["rate", "observations per second"],
  ],
  summary: [
    ["value", "each series"],
    ["mean", "mean"],
    ["rate", "observations per second"],
  ],
  unknown: [
    ["value", "each series"],
    ["rate", "per second"],
    ["sum", "sum"],
  ],
};

/** The view of a chart: the one chosen, else the one that suits the kind. */
export function viewOf(chart: ChartSpec, kind: Kind): View {
  const known = VIEWS[kind].map(([view]) => view);
  return chart.view && known.includes(chart.view) ? chart.view : (known[0] as View);
}

/** Seconds between two scrapes or snapshots, as far as the page assumes. */
const SCRAPE = 15;
/** Points that a chart asks for. */
const POINTS = 240;
/** Round lengths of a step, seconds. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/** Seconds between two points of a range so long, seconds. */
export function stepOf(length: number): number {
  return STEPS.find((step) => length / step <= POINTS) ?? Math.ceil(length / POINTS);
}

/** Window of a rate: no gap between two points, and four samples in it (as Grafana's `$__rate_interval`). */
export function windowOf(step: number): number {
  return Math.max(step + SCRAPE, 4 * SCRAPE);
}

/** A string as PromQL writes it. */
export function quoted(value: string): string {
  return `"${value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
}

/** What only lets some values of a label through: one, or one of several. */
export function matcher(label: string, values: string[]): string {
  if (values.length === 1) return `${label}=${quoted(values[0] as string)}`;
  return `${label}=~${quoted(values.map(escaped).join("|"))}`;
}

function escaped(value: string): string {
  return value.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}

/** An expression and what its lines are called beyond their labels. */
export interface Asked {
  expression: string;
  name?: string;
}

/**
 * Expressions of a metric's view.
 *
 * @param scope matchers of the page: services, environments.
 * @param step seconds between two points.
 */
export function expressions(chart: ChartSpec, kind: Kind, scope: string[], step: number): Asked[] {
  if (chart.query !== undefined) return [{ expression: chart.query }];
  const name = chart.metric as string;
  const where = [
    ...scope,
    ...Object.entries(chart.where ?? {}).map(([label, value]) => matcher(label, [value])),
  ];
  const braces = where.length > 0 ? `{${where.join(",")}}` : "";
  const window = `[${windowOf(step)}s]`;
  const by = chart.by ?? [];
  const sum = `sum${grouping(by)}`;
  const rated = (metric: string, aggregate = sum) => `${aggregate} (rate(${metric}${braces}${window}))`;
  const observed = kind === "histogram" || kind === "summary" ? `${name}_count` : name;
  switch (viewOf(chart, kind)) {
    case "rate":
      return [{ expression: rated(observed) }];
    case "increase":
      return [{ expression: `${sum} (increase(${observed}${braces}[${Math.max(step, 2 * SCRAPE)}s]))` }];
    case "sum":
    case "avg":
    case "max":
      return [{ expression: `${chart.view}${grouping(by)} (${name}${braces})` }];
    case "mean":
      return [{ expression: `${rated(`${name}_sum`)} / ${rated(`${name}_count`)}` }];
    case "quantiles": {
      // The exponential histogram where there is one, else the classic buckets.
      const classic = `sum${grouping(["le", ...by])} (rate(${name}_bucket${braces}${window}))`;
      return [50, 95, 99].map((percent) => ({
        expression:
          `histogram_quantile(${percent / 100}, ${rated(name)})` +
          ` or histogram_quantile(${percent / 100}, ${classic})`,
        name: `p${percent}`,
      }));
    }
    case "heat":
      return [
        { expression: `sum by (le) (increase(${name}_bucket${braces}[${Math.max(step, 2 * SCRAPE)}s]))` },
      ];
    default:
      if (by.length > 0) return [{ expression: `${sum} (${name}${braces})` }];
      return [{ expression: `${name}${braces}` }];
  }
}

function grouping(labels: string[]): string {
  return labels.length > 0 ? ` by (${labels.join(", ")})` : "";
}
