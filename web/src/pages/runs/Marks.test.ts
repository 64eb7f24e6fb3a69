import { expect, test } from "vitest";
import { median } from "./Marks";

test("the middle of some numbers, whatever their order", () => {
  expect(median([])).toBeUndefined();
  expect(median([3])).toBe(3);
  expect(median([9, 1, 4])).toBe(4);
  expect(median([4, 1, 10, 2])).toBe(3);
});
