/** The operations of a run as a trace, so that they are drawn as spans are. Pure. */

import type { TimelineItem } from "../../api/operations";
import type { Span, Trace } from "../../api/types";

/** What an operation that has not ended is drawn with: up to now. */
function lengthOf(item: TimelineItem, start: number, end: number): number {
  return item.duration_ms ?? Math.max(0, end - start);
}

/** Statuses that are drawn as a failure. */
const FAILED = ["failed", "dead_lettered", "abandoned"];

/**
 * Operations in pre-order, the earliest first; one whose parent is not there stands at the top.
 *
 * @param from when the run began, ms since 1970.
 * @param length of the run so far, ms.
 */
export function asTrace(items: TimelineItem[], from: number, length: number): Trace {
  const ids = new Set(items.map((item) => item.operation_id));
  const below = new Map<string, TimelineItem[]>();
  for (const item of items) {
    const parent = item.parent_id !== null && ids.has(item.parent_id) ? item.parent_id : "";
    const list = below.get(parent);
    if (list) list.push(item);
    else below.set(parent, [item]);
  }
  for (const list of below.values())
    list.sort((one, other) => Date.parse(one.started_at) - Date.parse(other.started_at));
  const spans: Span[] = [];
  const seen = new Set<string>();
  // An explicit stack: operations can be nested deeper than calls; one that is met again is its own ancestor.
  const waiting = (below.get("") ?? []).map((item) => ({ item, depth: 0 })).reverse();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { item, depth } = next;
    if (seen.has(item.operation_id)) continue;
    seen.add(item.operation_id);
    const children = below.get(item.operation_id) ?? [];
    const start = Date.parse(item.started_at) - from;
    spans.push({
      span_id: item.operation_id,
      parent_span_id: item.parent_id,
      depth,
      children: children.map((child) => child.operation_id),
      name: item.name,
      service: item.kind,
      status: FAILED.includes(item.status) ? "ERROR" : "OK",
      start_time: item.started_at,
      start_ms: start,
      duration_ms: lengthOf(item, start, length),
      self_ms: 0,
      critical: false,
    });
    for (const child of [...children].reverse()) waiting.push({ item: child, depth: depth + 1 });
  }
  return {
    trace_id: "",
    name: "",
    start_time: new Date(from).toISOString(),
    duration_ms: length,
    services: [...new Set(items.map((item) => item.kind))],
    span_count: spans.length,
    error_count: spans.filter((span) => span.status === "ERROR").length,
    truncated: false,
    spans,
    logs: [],
  };
}
