import { expect, test } from "vitest";
import type { TimelineItem } from "../../api/operations";
import { asTrace } from "./timeline";

const START = Date.parse("2026-11-25T10:00:00Z");

function item(
  id: string,
  parent: string | null,
  second: number,
  more: Partial<TimelineItem> = {},
): TimelineItem {
  return {
    operation_id: id,
    parent_id: parent,
    kind: "stage",
    name: id,
    started_at: new Date(START + second * 1000).toISOString(),
    duration_ms: 1000,
    status: "completed",
    ...more,
  };
}

function shape(items: TimelineItem[]): string[] {
  return asTrace(items, START, 60_000).spans.map((span) => `${"-".repeat(span.depth)}${span.span_id}`);
}

test("operations stand under what they are a part of, in the order of time", () => {
  const items = [item("b", "run", 5), item("a2", "a", 2), item("a", "run", 0), item("a1", "a", 1)];
  expect(shape(items)).toEqual(["a", "-a1", "-a2", "b"]);
});

test("one whose parent is not told stands at the top", () => {
  expect(shape([item("a", null, 0), item("lost", "gone", 1)])).toEqual(["a", "lost"]);
});

test("operations that are parts of each other are let be", () => {
  expect(shape([item("a", "b", 0), item("b", "a", 1), item("c", null, 2)])).toEqual(["c"]);
});

test("a chain as deep as it can be is walked", () => {
  const items = Array.from({ length: 2000 }, (_, at) => item(`n${at}`, at > 0 ? `n${at - 1}` : null, at));
  expect(asTrace(items, START, 1).spans.at(-1)?.depth).toBe(1999);
});

test("what goes on reaches to the end; what failed is drawn as a failure", () => {
  const items = [
    item("going", null, 10, { duration_ms: null, status: "running" }),
    item("broken", null, 20, { status: "dead_lettered" }),
  ];
  const { spans, error_count } = asTrace(items, START, 60_000);
  expect(spans[0]).toMatchObject({ start_ms: 10_000, duration_ms: 50_000, status: "OK" });
  expect(spans[1]).toMatchObject({ status: "ERROR" });
  expect(error_count).toBe(1);
});
