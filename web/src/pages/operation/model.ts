/** The time line of an operation: rows with bars, the events on them, and events in words. */

import type { Operation, OperationDetail, OperationEvent } from "../../api/operations";
import { bytes, count, duration } from "../../text/format";
import { reached } from "../../text/reached";
import { amount } from "../../text/units";

/** One row of the waterfall: the operation itself first, then what it is made of. */
export interface Row {
  operation: Operation;
  depth: number;
  /** ms from the start of the time line. */
  start: number;
  end: number;
  /** It has not ended; its bar grows. */
  open: boolean;
}

export interface TimeLine {
  /** Epoch ms of its left end. */
  from: number;
  length: number;
  rows: Row[];
  /** Operations beyond those that are drawn. */
  left: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Round steps of an axis from seconds on, ms; those of less count tens. */
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((each) => each * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((each) => each * MINUTE),
  ...[1, 2, 3, 6, 12].map((each) => each * HOUR),
];

/** Places of the marks of an axis that is so many ms long: about `wanted` of them. */
export function marks(length: number, wanted = 6): number[] {
  const raw = length / wanted;
  const ten = 10 ** Math.floor(Math.log10(raw));
  const decimal = ([1, 2, 5].find((factor) => factor * ten >= raw) ?? 10) * ten;
  const step =
    raw <= SECOND / 2
      ? decimal
      : (STEPS.find((each) => each >= raw) ?? Math.max(1, Math.ceil(raw / DAY)) * DAY);
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, at) => at * step);
}

/** Most rows that are drawn. */
const MOST = 300;

/** Where everything lies in time; `now` is the end of what still runs. */
export function timeLine(
  detail: Pick<OperationDetail, "operation" | "children" | "events">,
  now: number,
): TimeLine {
  const { operation } = detail;
  const known = [operation, ...detail.children];
  const starts = [
    ...known.map((each) => Date.parse(each.started_at)),
    ...detail.events.map((event) => Date.parse(event.timestamp)),
  ];
  const from = Math.min(...starts);
  const ends = known.map((each) => endOf(each, now));
  const length = Math.max(1e-3, Math.max(...ends) - from);
  const byParent = new Map<string, Operation[]>();
  const ids = new Set(known.map((each) => each.operation_id));
  for (const child of detail.children) {
    const parent =
      child.parent_id !== null && ids.has(child.parent_id) ? child.parent_id : operation.operation_id;
    byParent.set(parent, [...(byParent.get(parent) ?? []), child]);
  }
  const rows: Row[] = [];
  const add = (each: Operation, depth: number) => {
    rows.push({
      operation: each,
      depth,
      start: Date.parse(each.started_at) - from,
      end: endOf(each, now) - from,
      open: each.ended_at === null && each.status === "running",
    });
    const below = byParent.get(each.operation_id) ?? [];
    byParent.delete(each.operation_id); // a circle ends here
    below.sort((one, other) => Date.parse(one.started_at) - Date.parse(other.started_at));
    for (const child of below) add(child, depth + 1);
  };
  add(operation, 0);
  return { from, length, rows: rows.slice(0, MOST), left: Math.max(0, rows.length - MOST) };
}

function endOf(operation: Operation, now: number): number {
  const start = Date.parse(operation.started_at);
  if (operation.status === "running") return Math.max(start, now);
  if (operation.ended_at !== null && operation.status !== "abandoned")
    return start + (operation.duration_ms ?? Date.parse(operation.ended_at) - start);
  return Math.max(start, Date.parse(operation.last_seen));
}

/** How grave an event is, which gives its mark. */
export type Gravity = "error" | "warning" | "note" | "none";

interface Told {
  gravity: Gravity;
  says: (event: OperationEvent) => string;
}

const because = (before: string) => (event: OperationEvent) =>
  event.reason ? `${before}: ${event.reason}` : before;
const text = (value: unknown) =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);

/** Event → how it is told. What is not here is told by its name. */
const EVENTS: Record<string, Told> = {
  create: { gravity: "none", says: () => "created, waits" },
  open: {
    gravity: "none",
    says: ({ attempt }) => ((attempt ?? 1) > 1 ? `began, attempt ${attempt}` : "began"),
  },
  progress: { gravity: "none", says: (event) => ["progress", far(event)].filter(Boolean).join(" ") },
  checkpoint: { gravity: "note", says: ({ data }) => ["checkpoint", brief(data)].filter(Boolean).join(" ") },
  retry: { gravity: "warning", says: because("tries again") },
  recover: {
    gravity: "note",
    says: ({ data }) =>
      ["recovered", text(data?.recovery_point) && `at ${text(data?.recovery_point)}`, list(data?.actions)]
        .filter(Boolean)
        .join(" "),
  },
  lock: { gravity: "note", says: () => "configuration locked" },
  item: { gravity: "error", says: because("an item failed") },
  check: {
    gravity: "note",
    says: ({ data }) => `check ${text(data?.name)}: ${text(data?.value)} (${text(data?.result)})`,
  },
  warning: { gravity: "warning", says: ({ reason }) => reason || "warning" },
  artifact: { gravity: "note", says: ({ data }) => `artifact ${file(data)}` },
  backup: { gravity: "note", says: ({ data }) => `backup ${file(data)}` },
  sample: { gravity: "none", says: ({ data }) => used(data) },
  heartbeat: { gravity: "none", says: () => "heartbeat" },
  dead_letter: { gravity: "error", says: because("moved to the dead letters") },
  cleanup: { gravity: "none", says: ({ data }) => ["cleaned up", brief(data)].filter(Boolean).join(" ") },
  detach: { gravity: "none", says: () => "goes on in another process" },
  resume: { gravity: "none", says: ({ host, pid }) => `goes on in process ${pid ?? "?"} on ${host ?? "?"}` },
  close: { gravity: "none", says: closed },
  abandon: { gravity: "error", says: () => "its process ended without a word" },
};

export function gravity(event: OperationEvent): Gravity {
  if (event.event === "close" && event.status === "failed") return "error";
  return EVENTS[event.event]?.gravity ?? "none";
}

/** An event in words. */
export function told(event: OperationEvent): string {
  return EVENTS[event.event]?.says(event) ?? event.event;
}

function closed({ status, duration_ms: ms, reason }: OperationEvent): string {
  const after = ms === null || ms === undefined ? "" : ` after ${duration(ms)}`;
  return `${status || "ended"}${after}${reason ? `: ${reason}` : ""}`;
}

/** How far: `45 of 120 frames`, `60 %`. */
export function far({
  done,
  total,
  percent,
  step,
}: Partial<Pick<Operation, "done" | "total" | "percent" | "step">>): string {
  const share = percent === null || percent === undefined ? "" : `${Math.floor(percent)} %`;
  return [reached(done, total) || share, step ?? ""].filter(Boolean).join(" · ");
}

/** A small object on one line: `frame=45 path=/tmp/x`. */
export function brief(data: Record<string, unknown> | null | undefined): string {
  return Object.entries(data ?? {})
    .map(([name, value]) => `${name}=${text(value)}`)
    .join(" ");
}

function list(value: unknown): string {
  if (!Array.isArray(value)) return value === undefined ? "" : `(${text(value)})`;
  return value.length > 0 ? `(${value.map(text).join(", ")})` : "";
}

function file(data: OperationEvent["data"]): string {
  const size = data?.bytes;
  return `${text(data?.path)}${typeof size === "number" ? `, ${bytes(size)}` : ""}`;
}

function used(data: OperationEvent["data"]): string {
  const memory = data?.memory_bytes;
  const cpu = data?.cpu_percent;
  return [
    "uses",
    typeof memory === "number" ? bytes(memory) : "",
    typeof cpu === "number" ? `${amount(cpu)} % CPU` : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** Events that come again and again, of which one line tells. */
const REPEATED = new Set(["progress", "sample", "heartbeat"]);

export interface Line {
  /** The last of them. */
  event: OperationEvent;
  first: OperationEvent;
  times: number;
}

/** Runs of the same repeated event as one. */
export function folded(events: OperationEvent[]): Line[] {
  const found: Line[] = [];
  for (const event of events) {
    const before = found.at(-1);
    if (before && REPEATED.has(event.event) && before.event.event === event.event) {
      before.event = event;
      before.times += 1;
    } else {
      found.push({ event, first: event, times: 1 });
    }
  }
  return found;
}

/** `×38, from 2 to 45 of 120 frames`; nothing for one alone. */
export function repeated({ first, event, times }: Line): string {
  if (times === 1) return "";
  const from = event.event === "progress" ? far(first) : "";
  return `×${count(times)}${from ? `, from ${from}` : ""}`;
}
