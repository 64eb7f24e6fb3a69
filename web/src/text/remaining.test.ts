import { expect, test } from "vitest";
import { remaining } from "./remaining";

test("what is left goes on as what was done", () => {
  expect(remaining(30_000, 0.5)).toBe(30_000);
  expect(remaining(60_000, 0.25)).toBe(180_000);
  expect(remaining(3_333, 0.77)).toBe(1000);
});

test("nothing is said of what nobody can know", () => {
  expect(remaining(30_000, undefined)).toBeUndefined();
  expect(remaining(30_000, 0)).toBeUndefined();
  expect(remaining(30_000, 1)).toBeUndefined();
});

test("time that passes without a word is time that is not left", () => {
  expect(remaining(45_000, 0.5, 30_000)).toBe(15_000);
  expect(remaining(90_000, 0.5, 30_000)).toBeUndefined();
});
