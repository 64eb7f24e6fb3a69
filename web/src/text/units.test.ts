import { expect, test } from "vitest";
import { amount, measure, perSecond, unitOf } from "./units";

test("the unit is read off the metric's name", () => {
  expect(unitOf("http_request_duration_seconds")).toBe("s");
  expect(unitOf("http_request_duration_seconds_bucket")).toBe("s");
  expect(unitOf("process_cpu_seconds_total")).toBe("s");
  expect(unitOf("memory_usage_bytes")).toBe("B");
  expect(unitOf("cpu_usage_percent")).toBe("%");
  expect(unitOf("jobs_created_total")).toBe("");
  expect(unitOf("http_request_duration_seconds_count")).toBe("");
});

test("a rate is per second, once", () => {
  expect(perSecond("B")).toBe("B/s");
  expect(perSecond(perSecond(""))).toBe("/s");
});

test("numbers keep three digits", () => {
  expect([0, 0.01234, 1.5, 999.4, 12_345, -3].map(amount)).toEqual([
    "0",
    "0.0123",
    "1.5",
    "999",
    "12k",
    "−3",
  ]);
  expect(amount(1e-7)).toBe("1.00e−7");
  expect(amount(Number.POSITIVE_INFINITY)).toBe("Infinity");
});

test("values read with their unit", () => {
  expect(measure(0.34, "s")).toBe("340 ms");
  expect(measure(1536, "B")).toBe("1.5 KiB");
  expect(measure(100, "B/s")).toBe("100 B/s");
  expect(measure(12.34, "/s")).toBe("12.3/s");
  expect(measure(0.5, "ratio")).toBe("50 %");
  expect(measure(83, "%")).toBe("83 %");
  expect(measure(Number.NaN, "s")).toBe("–");
});
