import { expect, test } from "vitest";
import type { Line } from "./answers";
import { bounds, drawn, heatOf, MOST_LINES, names, onGrid } from "./series";

const GRID = { start: 100, end: 140, step: 10 };

function line(labels: Record<string, string>, ...values: [number, number][]): Line {
  return { labels, times: values.map(([time]) => time), values: values.map(([, value]) => value) };
}

test("values lie on the grid, and gaps stay gaps", () => {
  expect(onGrid(line({}, [100, 1], [130, 4], [140, Number.NaN]), GRID)).toEqual([1, null, null, 4, null]);
  expect(onGrid(line({}, [60, 1]), GRID, 40)).toEqual([1, null, null, null, null]);
});

test("lines are called by the labels in which they differ", () => {
  const lines = [line({ job: "a", method: "GET" }), line({ job: "a", method: "POST" })];
  expect(names(lines)).toEqual(["method=GET", "method=POST"]);
  expect(names([line({ job: "a" })], "p95")).toEqual(["p95 job=a"]);
  expect(names([line({})])).toEqual(["value"]);
});

test("the largest come first, the period before beside its own, what is too much is counted", () => {
  const now = [line({ a: "1" }, [140, 1]), line({ a: "2" }, [140, 2])];
  const before = [line({ a: "1" }, [100, 7])];
  const { lines } = drawn([{ now, before }], GRID);
  expect(lines.map((one) => [one.name, one.ghost, one.colour])).toEqual([
    ["a=2", false, 0],
    ["a=1", false, 1],
    ["a=1 before", true, 1],
  ]);
  expect(lines[2]?.values).toEqual([null, null, null, null, 7]);
  const many = Array.from({ length: MOST_LINES + 3 }, (_, at) => line({ a: String(at) }, [100, at]));
  expect(drawn([{ now: many, before: [] }], GRID).left).toBe(3);
});

test("cumulative buckets become cells", () => {
  const heat = heatOf(
    [
      line({ le: "+Inf" }, [100, 9]),
      line({ le: "0.1" }, [100, 4]),
      line({ le: "1" }, [100, 6]),
      line({}, [100, 1]),
    ],
    GRID,
  );
  expect(heat.bounds).toEqual([0.1, 1, Number.POSITIVE_INFINITY]);
  expect(heat.rows.map((row) => row[0])).toEqual([4, 2, 3]);
  expect(heat.most).toBe(4);
});

test("zero is on the scale unless all values are far from it", () => {
  expect(bounds(0, 10)).toEqual([0, 10.8]);
  expect(bounds(null, null)).toEqual([0, 1]);
  expect(bounds(0, 0)).toEqual([0, 1]);
  expect(bounds(-10, 0)[0]).toBeLessThan(-10);
  expect(bounds(1000, 1010)[0]).toBeGreaterThan(900);
  const [low, high] = bounds(3, 3 + 1e-15);
  expect(high - low).toBeGreaterThan(0.1);
});
