/** Answers on the grid of a chart: what its lines and cells are. */

import type { AlignedData } from "uplot";
import type { Line } from "./answers";

/** The points that a chart asks for, seconds. */
export interface Grid {
  start: number;
  end: number;
  step: number;
}

/** A line on the grid; `ghost` is the period before. */
export interface Drawn {
  /** Labels as text: what the legend says. */
  name: string;
  labels: Record<string, string>;
  values: (number | null)[];
  ghost: boolean;
  /** Number of its colour. */
  colour: number;
}

/** Most lines of a chart; more cannot be told apart. */
export const MOST_LINES = 20;
const COLOURS = 9;

/** What the lines of a chart are called: the labels in which they differ. */
export function names(lines: Line[], name = ""): string[] {
  const labels = [...new Set(lines.flatMap((line) => Object.keys(line.labels)))].sort();
  const differing = labels.filter((label) => new Set(lines.map((line) => line.labels[label] ?? "")).size > 1);
  const shown =
    differing.length > 0 || lines.length > 1 ? differing : labels.filter((label) => label !== "__name__");
  return lines.map((line) => {
    const parts = shown
      .filter((label) => line.labels[label] !== undefined)
      .map((label) => (label === "__name__" ? line.labels[label] : `${label}=${line.labels[label]}`));
    return [name, ...parts].filter(Boolean).join(" ") || "value";
  });
}

/** A line's values at the points of the grid; gaps are null, and stay gaps. */
export function onGrid(line: Line, grid: Grid, shift = 0): (number | null)[] {
  const values = new Array<number | null>(pointsOf(grid)).fill(null);
  line.times.forEach((time, at) => {
    const place = Math.round((time + shift - grid.start) / grid.step);
    const value = line.values[at] as number;
    if (place >= 0 && place < values.length && Number.isFinite(value)) values[place] = value;
  });
  return values;
}

function pointsOf(grid: Grid): number {
  return Math.floor((grid.end - grid.start) / grid.step + 1e-9) + 1;
}

/** Times of the grid, seconds. */
export function timesOf(grid: Grid): number[] {
  return Array.from({ length: pointsOf(grid) }, (_, at) => grid.start + at * grid.step);
}

/** The last value that is there. */
export function last(values: (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/** The largest, and the mean, of the values that are there. */
export function extent(values: (number | null)[]): { most: number | null; mean: number | null } {
  const known = values.filter((value): value is number => value !== null);
  if (known.length === 0) return { most: null, mean: null };
  return {
    most: known.reduce((one, other) => Math.max(one, other)),
    mean: known.reduce((sum, value) => sum + value, 0) / known.length,
  };
}

/** Lines of one answer or several, the largest last values first; ghosts share the colour of theirs. */
export function drawn(
  answers: { name?: string; now: Line[]; before: Line[] }[],
  grid: Grid,
): { lines: Drawn[]; left: number } {
  const length = grid.end - grid.start;
  const now = answers.flatMap(({ name, now: found }) => {
    const called = names(found, name);
    return found.map((line, at) => ({ line, name: called[at] as string, of: name ?? "" }));
  });
  const ranked = now
    .map((each) => ({ ...each, values: onGrid(each.line, grid) }))
    .sort((one, other) => (last(other.values) ?? -Infinity) - (last(one.values) ?? -Infinity));
  const kept = ranked.slice(0, MOST_LINES);
  const ghosts = answers.flatMap(({ name, before }) => before.map((line) => ({ line, of: name ?? "" })));
  const lines = kept.flatMap(({ line, name, of, values }, at) => {
    const colour = at % COLOURS;
    const key = identity(line.labels);
    const ghost = ghosts.find((each) => each.of === of && identity(each.line.labels) === key);
    const own: Drawn = { name, labels: line.labels, values, ghost: false, colour };
    return ghost
      ? [own, { ...own, name: `${name} before`, values: onGrid(ghost.line, grid, length), ghost: true }]
      : [own];
  });
  return { lines, left: ranked.length - kept.length };
}

function identity(labels: Record<string, string>): string {
  return JSON.stringify(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Data of a line chart. */
export function lineData(lines: Drawn[], hidden: ReadonlySet<string>, grid: Grid): AlignedData {
  const empty = new Array<null>(pointsOf(grid)).fill(null);
  return [
    timesOf(grid),
    ...lines.map((line) => (hidden.has(keyOf(line)) ? empty : line.values)),
  ] as AlignedData;
}

/** What a line and its ghost are hidden under. */
export function keyOf(line: Drawn): string {
  return line.ghost ? line.name.replace(/ before$/, "") : line.name;
}

/** Ends of the y scale: zero is on it, unless all values are far from it. */
export function bounds(
  least: number | null,
  most: number | null,
  dots: { value: number }[] = [],
): [number, number] {
  const values = [
    ...(least === null ? [] : [least]),
    ...(most === null ? [] : [most]),
    ...dots.map((dot) => dot.value),
  ];
  if (values.length === 0) return [0, 1];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const far = low > 0 && high - low < low * 0.2;
  const bottom = far ? low : Math.min(0, low);
  const top = Math.max(high, far ? high : 0);
  // Never a sliver: values that differ by rounding alone are one level.
  const room = Math.max((top - bottom) * 0.08, Math.max(Math.abs(top), Math.abs(bottom)) * 0.02) || 1;
  return [bottom === 0 ? 0 : bottom - room, top + room];
}

/** A heat map: how many observations fell between two bounds at a time. */
export interface Heat {
  /** Upper bounds, rising; the last may be infinite. */
  bounds: number[];
  /** For each bound, the observations at each point of the grid. */
  rows: (number | null)[][];
  most: number;
}

/** The heat map of cumulative buckets (`le`). */
export function heatOf(lines: Line[], grid: Grid): Heat {
  const sorted = lines
    .map((line) => ({ bound: bound(line.labels.le ?? ""), values: onGrid(line, grid) }))
    .filter(({ bound: upper }) => !Number.isNaN(upper))
    .sort((one, other) => one.bound - other.bound);
  const rows = sorted.map(({ values }, at) =>
    values.map((value, place) => {
      if (value === null) return null;
      return Math.max(0, value - (at > 0 ? (sorted[at - 1]?.values[place] ?? 0) : 0));
    }),
  );
  const most = rows.reduce(
    (top, row) => row.reduce<number>((one, value) => Math.max(one, value ?? 0), top),
    0,
  );
  return { bounds: sorted.map(({ bound: upper }) => upper), rows, most };
}

function bound(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : text === "" ? Number.NaN : Number(text);
}
