import { describe, expect, test } from "vitest";
import { environmentRows, fieldText, oneLine, thresholdText } from "./fields";

describe("the environment of a run", () => {
  test("begins with the code and the command; packages stand apart", () => {
    const { rows, packages } = environmentRows({
      host: "batch-1",
      python: "3.13.1",
      packages: { numpy: "2.4.0" },
      git_commit: "b7e23ec",
    });
    expect(rows.map(([name]) => name)).toEqual(["git_commit", "python", "host"]);
    expect(packages).toEqual([["numpy", "2.4.0"]]);
  });
  test("may have no packages, or something else by that name", () => {
    expect(environmentRows({})).toEqual({ rows: [], packages: [] });
    expect(environmentRows({ packages: "none" }).packages).toEqual([]);
  });
});

describe("thresholds", () => {
  test("read as conditions", () => {
    expect(thresholdText({ min: 1, warn_max: 5000 })).toBe("≥ 1 · warns above 5000");
    expect(thresholdText({ equal: 0 })).toBe("= 0");
  });
  test("that are of another form are shown as they are", () => {
    expect(thresholdText(null)).toBe("");
    expect(thresholdText(5)).toBe("5");
    expect(thresholdText({ close_to: [1, 2], min: null })).toBe("close_to [1,2]");
  });
});

test("a value takes one line", () => {
  expect(oneLine(0.1 + 0.2)).toBe("0.3");
  expect(oneLine(42331)).toBe("42331");
  expect(oneLine({ a: [1] })).toBe('{"a":[1]}');
  expect(oneLine(null)).toBe("–");
  expect(oneLine(false)).toBe("false");
});

test("what else was said of a check follows its name", () => {
  expect(fieldText({ year: 2027, of: "leavers" })).toBe(" year=2027 of=leavers");
  expect(fieldText(null)).toBe("");
  expect(fieldText(undefined)).toBe("");
});
