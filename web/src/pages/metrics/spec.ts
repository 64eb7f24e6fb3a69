/** The charts of the page, and their form in the address bar. */

/** How a metric is looked at. */
export type View = "rate" | "increase" | "value" | "sum" | "avg" | "max" | "quantiles" | "mean" | "heat";

export interface ChartSpec {
  /** Name of the metric; absent when the chart is a query of the user's own. */
  metric?: string;
  view?: View;
  /** Labels that the chart has a line for each value of. */
  by?: string[];
  /** Further matchers, label → value. */
  where?: Record<string, string>;
  /** A PromQL expression instead of a metric. */
  query?: string;
  /** Also draw the period before, as a ghost. */
  previous?: boolean;
}

/** Short names of the fields in the address. */
type Written = { m?: string; v?: View; by?: string[]; w?: Record<string, string>; q?: string; p?: 1 };

const VIEWS: View[] = ["rate", "increase", "value", "sum", "avg", "max", "quantiles", "mean", "heat"];
/** Most charts of a page. */
export const MOST = 24;

/** Charts of an address; what cannot be read is left out. */
export function read(text: string): ChartSpec[] {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(written)) return [];
  return written
    .map(readOne)
    .filter((spec): spec is ChartSpec => spec !== null)
    .slice(0, MOST);
}

function readOne(given: unknown): ChartSpec | null {
  if (typeof given !== "object" || given === null) return null;
  const one = given as Written;
  const spec: ChartSpec = {};
  if (typeof one.q === "string") spec.query = one.q;
  else if (typeof one.m === "string" && one.m !== "") spec.metric = one.m;
  else return null;
  if (one.v && VIEWS.includes(one.v)) spec.view = one.v;
  if (Array.isArray(one.by)) spec.by = one.by.filter((label) => typeof label === "string");
  if (typeof one.w === "object" && one.w !== null) spec.where = strings(one.w);
  if (one.p) spec.previous = true;
  return spec;
}

function strings(given: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

/** The address of charts. */
export function write(charts: ChartSpec[]): string {
  if (charts.length === 0) return "";
  return JSON.stringify(
    charts.map((chart): Written => ({
      ...(chart.query === undefined ? {} : { q: chart.query }),
      ...(chart.metric === undefined ? {} : { m: chart.metric }),
      ...(chart.view ? { v: chart.view } : {}),
      ...(chart.by?.length ? { by: chart.by } : {}),
      ...(chart.where && Object.keys(chart.where).length > 0 ? { w: chart.where } : {}),
      ...(chart.previous ? { p: 1 } : {}),
    })),
  );
}
