import { expect, test } from "vitest";
import { reached, throughput } from "./reached";

test("how far it is, whole numbers exact", () => {
  expect(reached(1000, 12_000)).toBe("1,000 of 12,000");
  expect(reached(0.123456, null)).toBe("0.123");
  expect(reached(null, 7)).toBe("");
});

test("what is rare is counted by the day", () => {
  expect(throughput(12.5)).toBe("12.5 an hour");
  expect(throughput(0.125)).toBe("3 a day");
  expect(throughput(0)).toBe("0 an hour");
});
