/** The time line of an operation: rows with bars, the events on them, and events in words. */

import type { Operation, OperationDetail, OperationEvent, TimelineItem } from "../../api/operations";
import { bytes, count, duration } from "../../text/format";
import { reached } from "../../text/reached";
import { amount } from "../../text/units";

/** What a row is about. */
export type Drawn = Pick<
  TimelineItem,
  "operation_id" | "parent_id" | "kind" | "name" | "started_at" | "status"
>;

/** One row of the waterfall: the operation itself first, then what it is made of. */
export interface Row {
  operation: Drawn;
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

/** Where everything lies in time; `now` is the end of what still runs. */
export function timeLine(
  detail: Pick<OperationDetail, "operation" | "timeline" | "timeline_more" | "events">,
  now: number,
): TimeLine {
  const { operation } = detail;
  const events = detail.events.map((event) => Date.parse(event.timestamp));
  const bars = new Map<string, Omit<Row, "depth">>([
    [operation.operation_id, bar(operation, endOf(operation, now))],
    ...detail.timeline.map((item): [string, Omit<Row, "depth">] => [
      item.operation_id,
      bar(item, endOfPart(item, now)),
    ]),
  ]);
  const from = [...bars.values()].reduce((first, each) => Math.min(first, each.start), Math.min(...events));
  const to = [...bars.values()].reduce((last, each) => Math.max(last, each.end), from + 1e-3);
  const byParent = new Map<string, string[]>();
  for (const { operation_id: id, parent_id: parent } of detail.timeline) {
    const under = parent !== null && bars.has(parent) ? parent : operation.operation_id;
    const list = byParent.get(under);
    if (list) list.push(id);
    else byParent.set(under, [id]);
  }
  const rows: Row[] = [];
  // An explicit stack: operations can be nested deeper than calls. One that was drawn is gone: a circle ends there.
  const waiting = [{ id: operation.operation_id, depth: 0 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { id, depth } = next;
    const each = bars.get(id);
    if (!each || !bars.delete(id)) continue;
    rows.push({ ...each, depth, start: each.start - from, end: each.end - from });
    // They come by when they began; the first is to be on top.
    for (const part of [...(byParent.get(id) ?? [])].reverse()) waiting.push({ id: part, depth: depth + 1 });
  }
  return { from, length: to - from, rows, left: detail.timeline_more };
}

function bar(operation: Drawn, end: number): Omit<Row, "depth"> {
  return {
    operation,
    start: Date.parse(operation.started_at),
    end,
    open: operation.status === "running",
  };
}

function endOfPart({ started_at: at, duration_ms: ms, status }: TimelineItem, now: number): number {
  const start = Date.parse(at);
  return status === "running" ? Math.max(start, now) : start + (ms ?? 0);
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
