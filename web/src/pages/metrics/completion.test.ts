import { expect, test } from "vitest";
import { completions } from "./completion";

const FAMILIES = ["http_requests_total", "job_duration_seconds"].map((name) => ({
  name,
  kind: "counter" as const,
  help: "",
  unit: "",
  labels: [],
  series: 1,
}));

function offered(text: string, caret = text.length): string[] {
  return completions(text, caret, FAMILIES, ["method", "job"]).map((each) => each.text);
}

test("functions and metrics by a part of their name", () => {
  expect(offered("histogram_q")).toEqual(["histogram_quantile"]);
  expect(offered("sum(rate(req")).toEqual(["http_requests_total"]);
});

test("labels inside braces and behind by", () => {
  expect(offered("http_requests_total{me")).toEqual(["method"]);
  expect(offered("sum by (jo")).toEqual(["job"]);
  const [label] = completions("up{me", 5, FAMILIES, ["method"]);
  expect([label?.insert, label?.inside]).toEqual(['method=""', true]);
});

test("nothing inside a string, a duration or a number", () => {
  expect(offered('up{job="su')).toEqual([]);
  expect(offered("rate(x[5m")).toEqual([]);
  expect(offered("1e")).toEqual([]);
  expect(offered("")).toEqual([]);
});

test("the word at the caret is what gives way", () => {
  const [first] = completions("sum(rat) + 1", 7, FAMILIES, []);
  expect(first).toMatchObject({ text: "rate", insert: "rate()", start: 4, end: 7 });
});
