import { expect, test } from "vitest";
import { differs, titleOf, told } from "./figures";

test("two runs never take the same time: what is near is alike", () => {
  expect(differs({ a: 100, b: 103, ratio: 1.03 })).toBe(false);
  expect(differs({ a: 100, b: 106, ratio: 1.06 })).toBe(true);
  expect(differs({ a: 100, b: 90, ratio: 0.9 })).toBe(true);
});

test("where there is no ratio, the values decide", () => {
  expect(differs({ a: 0, b: 0, ratio: null })).toBe(false);
  expect(differs({ a: 0, b: 3, ratio: null })).toBe(true);
  expect(differs({ a: null, b: 3, ratio: null })).toBe(true);
  expect(differs({ a: null, b: null, ratio: null })).toBe(false);
});

test("figures have names and units", () => {
  const memory = { name: "memory_peak_bytes", a: 1024 ** 3, b: null, ratio: null } as const;
  expect(titleOf(memory)).toBe("Peak memory");
  expect(told(memory, memory.a)).toBe("1.0 GiB");
  expect(told(memory, memory.b)).toBe("–");
});
