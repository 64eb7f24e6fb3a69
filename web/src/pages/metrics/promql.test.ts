import { expect, test } from "vitest";
import { read, write } from "./spec";
import { expressions, matcher, stepOf, windowOf } from "./promql";

test("a counter is a rate, split by label, within the scope", () => {
  const chart = { metric: "http_requests_total", by: ["method"], where: { status: "500" } };
  expect(expressions(chart, "counter", [matcher("job", ["api"])], 15)).toEqual([
    { expression: 'sum by (method) (rate(http_requests_total{job="api",status="500"}[60s]))' },
  ]);
});

test("a histogram is its percentiles, from whichever buckets there are", () => {
  const [, second] = expressions({ metric: "latency_seconds" }, "histogram", [], 60);
  expect(second).toEqual({
    name: "p95",
    expression:
      "histogram_quantile(0.95, sum (rate(latency_seconds[75s])))" +
      " or histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[75s])))",
  });
});

test("a gauge shows each series until it is split", () => {
  expect(expressions({ metric: "up" }, "gauge", [], 15)[0]?.expression).toBe("up");
  expect(expressions({ metric: "up", by: ["job"] }, "gauge", [], 15)[0]?.expression).toBe(
    "sum by (job) (up)",
  );
  expect(expressions({ metric: "up", view: "max" }, "gauge", [], 15)[0]?.expression).toBe("max (up)");
});

test("a view that does not suit the kind gives way to the one that does", () => {
  expect(expressions({ metric: "x", view: "heat" }, "counter", [], 15)[0]?.expression).toBe(
    "sum (rate(x[60s]))",
  );
});

test("a query of the user's own is asked as it stands", () => {
  expect(expressions({ query: "1 + 1" }, "unknown", ['job="a"'], 15)).toEqual([{ expression: "1 + 1" }]);
});

test("values are quoted, several become an alternative", () => {
  expect(matcher("job", ['a"b\\c\nd'])).toBe('job="a\\"b\\\\c\\nd"');
  expect(matcher("job", ["a.b", "c|d"])).toBe('job=~"a\\\\.b|c\\\\|d"');
});

test("the step is round and gives some 240 points, the window holds four samples", () => {
  expect(stepOf(900)).toBe(5);
  expect(stepOf(86_400)).toBe(600);
  expect(86_400 / stepOf(86_400)).toBeLessThanOrEqual(240);
  expect(windowOf(5)).toBe(60);
  expect(windowOf(600)).toBe(615);
});

test("charts survive the address, and what cannot be read is left out", () => {
  const charts = [
    { metric: "a", view: "heat" as const, by: ["x"], where: { y: "1" }, previous: true },
    { query: 'up{a="b"}' },
  ];
  expect(read(write(charts))).toEqual(charts);
  expect(read("")).toEqual([]);
  expect(read("{")).toEqual([]);
  expect(read('[1, null, {}, {"m": 3}, {"m": "ok", "v": "no", "by": [1, "l"]}]')).toEqual([
    { metric: "ok", by: ["l"] },
  ]);
});
