import { describe, expect, it } from "vitest";
import {
  add,
  chosen,
  finished,
  marked,
  ofPattern,
  quote,
  toggle,
  tokenise,
  withoutField,
  words,
} from "./query";

describe("tokenise", () => {
  it("cuts words, phrases, fields, lists, comparisons and negations", () => {
    const query =
      'timeout "connection refused" service:api,worker -logger:noisy.* duration:>=500 extra.title:"a \\"b\\""';
    expect(tokenise(query).map(({ raw, ...term }) => term)).toEqual([
      { negated: false, values: [{ text: "timeout", quoted: false, operator: "" }] },
      { negated: false, values: [{ text: "connection refused", quoted: true, operator: "" }] },
      {
        negated: false,
        field: "service",
        values: [
          { text: "api", quoted: false, operator: "" },
          { text: "worker", quoted: false, operator: "" },
        ],
      },
      { negated: true, field: "logger", values: [{ text: "noisy.*", quoted: false, operator: "" }] },
      { negated: false, field: "duration", values: [{ text: "500", quoted: false, operator: ">=" }] },
      { negated: false, field: "extra.title", values: [{ text: 'a "b"', quoted: true, operator: "" }] },
    ]);
  });

  it("gives back the same text, whatever was typed", () => {
    for (const query of ['"never closed', "a:", "- x", "::", 'x:"', "-", "12:30:01", "a:b,,c", "\\"]) {
      expect(
        tokenise(query)
          .map((term) => term.raw)
          .join(" "),
      ).toBe(query);
    }
  });
});

describe("toggle", () => {
  it("adds, joins, and takes away", () => {
    expect(toggle("", "host", "a")).toBe("host:a");
    expect(toggle("host:a x", "host", "b")).toBe("host:a,b x");
    expect(toggle("host:a,b x", "host", "a")).toBe("host:b x");
    expect(toggle("host:b x", "host", "b")).toBe("x");
  });
  it("changes sides", () => {
    expect(toggle("host:a", "host", "a", true)).toBe("-host:a");
    expect(toggle("-host:a", "host", "a")).toBe("host:a");
  });
  it("quotes what would be read otherwise, and finds it again", () => {
    for (const value of ["two words", 'say "hi"', "a,b", "wild*", ">5", "back\\slash", "", "-x"]) {
      const query = toggle("", "extra.v", value);
      expect(chosen(query, "extra.v")).toEqual([value]);
      expect(toggle(query, "extra.v", value)).toBe("");
    }
  });
  it("asks for one level alone", () => {
    expect(toggle("level:error", "level", "INFO")).toBe("level:error level:=INFO");
    expect(toggle("level:=INFO", "level", "DEBUG")).toBe("level:=INFO,=DEBUG");
    expect(chosen("level:=INFO,=DEBUG", "level")).toEqual(["INFO", "DEBUG"]);
  });
  it("leaves comparisons and prefixes of the same field alone", () => {
    expect(toggle("duration:>5 host:a*", "host", "b")).toBe("duration:>5 host:a* host:b");
  });
});

describe("the small ones", () => {
  it("knows when a term is finished", () => {
    expect(finished("level:error")).toBe(true);
    expect(finished("level:")).toBe(false);
    expect(finished("word")).toBe(false);
    expect(finished('a:"b')).toBe(false);
    expect(finished('a:"b"')).toBe(true);
  });
  it("adds a term once", () => {
    expect(add("a b", "b")).toBe("a b");
    expect(add("a", "level:error x")).toBe("a level:error x");
  });
  it("drops all of a field", () => {
    expect(withoutField("a host:x -host:y b", "host")).toBe("a b");
  });
  it("marks what was asked for", () => {
    expect(words('Time "of day" -x message:foo* host:y')).toEqual(["Time", "of day", "foo"]);
    expect(marked("A time. TIME!", ["time"])).toEqual(["A ", "time", ". ", "TIME", "!"]);
    expect(marked("a.c abc", ["a.c"])).toEqual(["", "a.c", " abc"]);
  });
  it("finds the lines of a pattern by its fixed parts", () => {
    expect(ofPattern('book <num> of "x\\y" took <num> ms by <str>')).toBe(
      '"book" "of \\"x\\\\y\\" took" "ms by"',
    );
  });
  it("quotes only when needed", () => {
    expect(quote("studio-api")).toBe("studio-api");
    expect(quote("GET /books/{id}")).toBe('"GET /books/{id}"');
  });
});
