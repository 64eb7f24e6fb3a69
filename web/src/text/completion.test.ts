import { describe, expect, it } from "vitest";
import { fieldSuggestions, stub, valueSuggestions } from "./completion";

const FIELDS = ["level", "logger", "extra.stage", "extra.level_of_detail"].map((field) => ({
  field,
  type: "keyword",
}));

describe("completion", () => {
  it("completes names of fields, best match first", () => {
    const at = stub('"a b" -sta');
    expect(at).toEqual({ start: 6, negation: "-", before: "", prefix: "sta" });
    expect(at && fieldSuggestions(at, FIELDS).map((each) => each.insert)).toEqual(["-extra.stage:"]);
    const level = stub("lev");
    expect(level && fieldSuggestions(level, FIELDS).map((each) => each.text)).toEqual([
      "level:",
      "extra.level_of_detail:",
    ]);
  });
  it("completes values, the next of a list too, and quotes them", () => {
    const at = stub("host:web-1,wor");
    expect(at).toEqual({ start: 0, negation: "", field: "host", before: "web-1,", prefix: "wor" });
    expect(at && valueSuggestions(at, [{ value: "worker 2", count: 3 }]).map((each) => each.insert)).toEqual([
      'host:web-1,"worker 2"',
    ]);
    const quoted = stub('host:a,"wor');
    expect(quoted && valueSuggestions(quoted, [{ value: "worker 2", count: 3 }])[0]?.insert).toBe(
      'host:a,"worker 2"',
    );
  });
  it("offers levels from the most severe", () => {
    const at = stub("level:=");
    expect(at && valueSuggestions(at, []).map((each) => each.insert)[0]).toBe("level:=critical");
  });
  it("keeps quiet inside phrases and comparisons", () => {
    expect(stub('"connection re')).toBeNull();
    expect(stub("duration:>5")).toBeNull();
    expect(stub("a b ")).toEqual({ start: 4, negation: "", before: "", prefix: "" });
  });
});
