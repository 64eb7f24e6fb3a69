import { expect, test } from "vitest";
import type { Operation, OperationEvent, TimelineItem } from "../../api/operations";
import { far, folded, gravity, marks, repeated, timeLine, told } from "./model";

const START = Date.parse("2026-11-25T12:00:00Z");

function operation(id: string, from: number, ms: number | null, more: Partial<Operation> = {}): Operation {
  return {
    operation_id: id,
    kind: "stage",
    name: id,
    parent_id: "job",
    status: ms === null ? "running" : "completed",
    started_at: new Date(START + from).toISOString(),
    ended_at: ms === null ? null : new Date(START + from + ms).toISOString(),
    last_seen: new Date(START + from + (ms ?? 0)).toISOString(),
    duration_ms: ms,
    ...more,
  } as Operation;
}

function part(id: string, from: number, ms: number, more: Partial<TimelineItem> = {}): TimelineItem {
  return {
    operation_id: id,
    parent_id: "job",
    kind: "stage",
    name: id,
    started_at: new Date(START + from).toISOString(),
    duration_ms: ms,
    status: "completed",
    ...more,
  };
}

const NOTHING = { timeline: [], timeline_more: 0, events: [] };

function event(name: string, at: number, more: Partial<OperationEvent> = {}): OperationEvent {
  return { timestamp: new Date(START + at).toISOString(), event: name, ...more };
}

test("parts lie under what they are parts of, by when they began", () => {
  const line = timeLine(
    {
      operation: operation("job", 0, 1000, { parent_id: null }),
      timeline: [
        part("early", 100, 300),
        part("inner", 150, 50, { parent_id: "early" }),
        part("going", 160, 10, { parent_id: "inner", status: "running" }),
        part("late", 500, 200),
        part("orphan", 700, 10, { parent_id: "unknown" }),
      ],
      timeline_more: 3,
      events: [event("create", -200)],
    },
    START + 1500,
  );
  expect(line.rows.map((row) => [row.operation.operation_id, row.depth, row.start, row.end])).toEqual([
    ["job", 0, 200, 1200],
    ["early", 1, 300, 600],
    ["inner", 2, 350, 400],
    ["going", 3, 360, 1700],
    ["late", 1, 700, 900],
    ["orphan", 1, 900, 910],
  ]);
  expect([line.length, line.left]).toEqual([1700, 3]);
});

test("what runs grows until now, what was abandoned ends where it was last heard", () => {
  const going = timeLine({ operation: operation("job", 0, null), ...NOTHING }, START + 700);
  expect(going.rows[0]).toMatchObject({ end: 700, open: true });
  const lost = operation("job", 0, null, {
    status: "abandoned",
    ended_at: new Date(START + 9000).toISOString(),
    last_seen: new Date(START + 400).toISOString(),
  });
  expect(timeLine({ operation: lost, ...NOTHING }, START + 9999).rows[0]).toMatchObject({
    end: 400,
    open: false,
  });
});

test("parts in a circle, and very deep ones, do no harm", () => {
  const one = operation("one", 0, 1, { parent_id: "two" });
  const circle = { ...NOTHING, timeline: [part("two", 0, 1, { parent_id: "one" })] };
  expect(timeLine({ operation: one, ...circle }, START).rows).toHaveLength(2);
  const deep = Array.from({ length: 2000 }, (_, at) =>
    part(`${at}`, at, 1, { parent_id: at === 0 ? "job" : `${at - 1}` }),
  );
  const line = timeLine({ operation: operation("job", 0, 1000), ...NOTHING, timeline: deep }, START);
  expect([line.rows.length, line.rows.at(-1)?.depth]).toEqual([2001, 2000]);
});

test("marks of the axis are round in seconds, minutes and hours", () => {
  expect(marks(6)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(marks(90_000)).toEqual([0, 15_000, 30_000, 45_000, 60_000, 75_000, 90_000]);
  expect(marks(7_200_000).at(1)).toBe(1_800_000);
  expect(marks(10 * 86_400_000).at(1)).toBe(2 * 86_400_000);
});

test("progress that comes again and again is one line", () => {
  const lines = folded([
    event("open", 0),
    event("progress", 1, { done: 1, total: 9, step: "frames" }),
    event("progress", 2, { done: 5, total: 9, step: "frames" }),
    event("checkpoint", 3, { data: { frame: 5 } }),
    event("progress", 4, { done: 6, total: 9, step: "frames" }),
  ]);
  expect(lines.map((line) => [line.event.event, line.times])).toEqual([
    ["open", 1],
    ["progress", 2],
    ["checkpoint", 1],
    ["progress", 1],
  ]);
  expect(repeated(lines[1] as never)).toBe("×2, from 1 of 9 · frames");
  expect(told(lines[1]?.event as OperationEvent)).toBe("progress 5 of 9 · frames");
});

test.each([
  [event("recover", 0, { data: { recovery_point: "frame 45", actions: ["state loaded"] } }), "note"],
  [event("retry", 0, { reason: "timeout" }), "warning"],
  [event("item", 0, { reason: "no amount" }), "error"],
  [event("close", 0, { status: "failed", duration_ms: 5 }), "error"],
  [event("close", 0, { status: "completed", duration_ms: 5 }), "none"],
  [event("abandon", 0), "error"],
  [event("something new", 0), "none"],
] as const)("%o is told", (given, grave) => {
  expect(gravity(given)).toBe(grave);
  expect(told(given)).not.toBe("");
});

test("a percentage where nothing is counted", () => {
  expect(far({ percent: 45.9 })).toBe("45 %");
  expect(far({})).toBe("");
});
