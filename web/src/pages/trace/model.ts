/** A trace as rows of a waterfall. Pure: what is folded and unfolded comes in, rows come out. */

import type { Span, Trace } from "../../api/types";

/** A span in its place; children are places in `Tree.nodes`. */
export interface Node {
  index: number;
  span: Span;
  parent: number;
  children: number[];
  /** Spans below it, all levels. */
  below: number;
}

export interface SpanRow {
  kind: "span";
  key: string;
  node: Node;
  depth: number;
  open: boolean;
}

/** Spans of one name under one parent, shown as one row until it is unfolded. */
export interface RepeatRow {
  kind: "repeat";
  key: string;
  name: string;
  service: string;
  nodes: Node[];
  depth: number;
  open: boolean;
  /** Sum of their durations, ms. */
  total: number;
}

export type Row = SpanRow | RepeatRow;

/** As many of a kind become one row. */
const REPEATS = 5;

/** Spans are in pre-order, so the depths alone give the tree, even when ids occur twice. */
export function build(trace: Trace): Node[] {
  const nodes: Node[] = [];
  const path: number[] = [];
  for (const [index, span] of trace.spans.entries()) {
    path.length = Math.min(path.length, span.depth);
    const parent = path.at(-1) ?? -1;
    nodes.push({ index, span, parent, children: [], below: 0 });
    nodes[parent]?.children.push(index);
    path.push(index);
  }
  for (const node of [...nodes].reverse()) {
    const above = nodes[node.parent];
    if (above) above.below += node.below + 1;
  }
  return nodes;
}

/** What a person has folded (spans) and unfolded (repeats), by key. */
export interface Folds {
  closed: ReadonlySet<string>;
  unfolded: ReadonlySet<string>;
}

export function spanKey(node: Node): string {
  return `s${node.index}`;
}

/** Which repeat a span belongs to: leaves of one name, service and parent that did not fail. */
function repeatKey(node: Node): string | null {
  if (node.children.length > 0 || node.span.status === "ERROR") return null;
  return `r${node.parent} ${node.span.service} ${node.span.name}`;
}

/** Rows to show, in order. */
export function rows(nodes: Node[], folds: Folds): Row[] {
  const found: Row[] = [];
  const add = (node: Node, depth: number) => {
    const open = !folds.closed.has(spanKey(node));
    found.push({ kind: "span", key: spanKey(node), node, depth, open });
  };
  // An explicit stack: traces can be deeper than the call stack.
  const waiting: { siblings: Node[]; depth: number; at: number; groups: Map<string, Node[]> }[] = [];
  const enter = (siblings: Node[], depth: number) => {
    if (siblings.length > 0) waiting.push({ siblings, depth, at: 0, groups: grouped(siblings) });
  };
  enter(
    nodes.filter((node) => node.parent < 0),
    0,
  );
  while (waiting.length > 0) {
    const level = waiting.at(-1) as (typeof waiting)[number];
    const node = level.siblings[level.at];
    if (!node) {
      waiting.pop();
      continue;
    }
    level.at += 1;
    const key = repeatKey(node);
    const group = key === null ? undefined : level.groups.get(key);
    if (key === null || !group) {
      add(node, level.depth);
      if (!folds.closed.has(spanKey(node)))
        enter(
          node.children.map((child) => nodes[child] as Node),
          level.depth + 1,
        );
    } else if (group[0] === node) {
      const open = folds.unfolded.has(key);
      const total = group.reduce((sum, each) => sum + each.span.duration_ms, 0);
      const { name, service } = node.span;
      found.push({ kind: "repeat", key, name, service, nodes: group, depth: level.depth, open, total });
      if (open) for (const each of group) add(each, level.depth + 1);
    }
  }
  return found;
}

function grouped(siblings: Node[]): Map<string, Node[]> {
  const groups = new Map<string, Node[]>();
  for (const node of siblings) {
    const key = repeatKey(node);
    if (key === null) continue;
    const group = groups.get(key);
    if (group) group.push(node);
    else groups.set(key, [node]);
  }
  for (const [key, group] of groups) if (group.length < REPEATS) groups.delete(key);
  return groups;
}

/** Unfolds all that hides a span. */
export function revealed(nodes: Node[], index: number, folds: Folds): Folds {
  const closed = new Set(folds.closed);
  const unfolded = new Set(folds.unfolded);
  const node = nodes[index];
  if (!node) return folds;
  for (let at = nodes[node.parent]; at; at = nodes[at.parent]) closed.delete(spanKey(at));
  const key = repeatKey(node);
  if (key !== null) unfolded.add(key);
  return { closed, unfolded };
}

/** Whether a span has the text in its name, service, status or attributes. */
export function matches(span: Span, needle: string): boolean {
  const text = needle.toLowerCase();
  const has = (value: unknown) =>
    String(value ?? "")
      .toLowerCase()
      .includes(text);
  return (
    has(span.name) ||
    has(span.service) ||
    has(span.status_message) ||
    span.span_id === text ||
    Object.entries(span.attributes ?? {}).some(
      ([name, value]) => has(name) || has(typeof value === "object" ? JSON.stringify(value) : value),
    )
  );
}

/** Stretches of a span in which none of its children ran: [start, end] in ms from the start of the trace. */
export function ownTime(nodes: Node[], node: Node): [number, number][] {
  const { start_ms: start, duration_ms: length } = node.span;
  const end = start + length;
  const own: [number, number][] = [];
  let reached = start;
  for (const child of node.children) {
    const { start_ms, duration_ms } = (nodes[child] as Node).span;
    if (start_ms > reached) own.push([reached, Math.min(start_ms, end)]);
    reached = Math.max(reached, start_ms + duration_ms);
    if (reached >= end) break;
  }
  if (reached < end) own.push([reached, end]);
  return own;
}

/** Round steps for an axis of so many ms: about `wanted` of them. */
export function ticks(from: number, to: number, wanted = 6): number[] {
  const raw = Math.max(1e-6, (to - from) / wanted);
  const ten = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * ten >= raw) ?? 10) * ten;
  const found: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step * 1e-9; at += step) found.push(at);
  return found;
}
