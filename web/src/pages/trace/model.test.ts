import { describe, expect, it } from "vitest";
import type { Span, Trace } from "../../api/types";
import { build, matches, ownTime, revealed, rows, ticks } from "./model";

function span(name: string, depth: number, start: number, length: number, more: Partial<Span> = {}): Span {
  return {
    span_id: `${name}-${start}`,
    depth,
    children: [],
    name,
    service: "api",
    status: "UNSET",
    start_time: "",
    start_ms: start,
    duration_ms: length,
    self_ms: 0,
    critical: false,
    ...more,
  };
}

function trace(...spans: Span[]): Trace {
  return { spans } as unknown as Trace;
}

const NONE = { closed: new Set<string>(), unfolded: new Set<string>() };
const many = trace(
  span("GET /", 0, 0, 100),
  ...Array.from({ length: 6 }, (_, at) => span("SELECT", 1, at * 10, 5)),
  span("render", 1, 70, 20),
  span("SELECT", 1, 90, 5, { status: "ERROR" }),
);

describe("rows", () => {
  it("folds what repeats into one row, and keeps what failed apart", () => {
    const shown = rows(build(many), NONE);
    expect(
      shown.map((row) =>
        row.kind === "repeat" ? `${row.name} ×${row.nodes.length} ${row.total}` : row.node.span.name,
      ),
    ).toEqual(["GET /", "SELECT ×6 30", "render", "SELECT"]);
  });
  it("unfolds on demand", () => {
    const nodes = build(many);
    const group = rows(nodes, NONE)[1];
    expect(rows(nodes, { ...NONE, unfolded: new Set([group?.key ?? ""]) }).map((row) => row.depth)).toEqual([
      0, 1, 2, 2, 2, 2, 2, 2, 1, 1,
    ]);
  });
  it("hides what is below a closed span, and shows it again when it is sought", () => {
    const nodes = build(many);
    const closed = { ...NONE, closed: new Set(["s0"]) };
    expect(rows(nodes, closed)).toHaveLength(1);
    const folds = revealed(nodes, 3, closed);
    expect(rows(nodes, folds).some((row) => row.kind === "span" && row.node.index === 3)).toBe(true);
  });
  it("takes thousands of levels", () => {
    const deep = trace(...Array.from({ length: 20_000 }, (_, at) => span(`n${at}`, at, at, 1)));
    const nodes = build(deep);
    expect(rows(nodes, NONE)).toHaveLength(20_000);
    expect(nodes[0]?.below).toBe(19_999);
  });
  it("keeps spans whose ids occur twice", () => {
    const twice = trace(
      span("a", 0, 0, 9),
      span("b", 1, 1, 1, { span_id: "x" }),
      span("c", 1, 2, 1, { span_id: "x" }),
    );
    expect(rows(build(twice), NONE)).toHaveLength(3);
  });
});

describe("the small ones", () => {
  it("finds the time a span spent itself", () => {
    const nodes = build(
      trace(span("a", 0, 0, 100), span("b", 1, 10, 20), span("c", 1, 20, 30), span("d", 1, 90, 50)),
    );
    expect(ownTime(nodes, nodes[0] as (typeof nodes)[0])).toEqual([
      [0, 10],
      [50, 90],
    ]);
  });
  it("looks for text in names and attributes", () => {
    const one = span("SELECT books", 0, 0, 1, {
      attributes: { "db.query.text": "SELECT * FROM Authors", n: { deep: "x1" } },
    });
    expect(["books", "authors", "query.text", "X1", "api"].map((text) => matches(one, text))).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
    expect(matches(one, "nothing")).toBe(false);
  });
  it("puts round numbers on the axis", () => {
    expect(ticks(0, 100)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(ticks(0.37, 1.11)).toHaveLength(4);
  });
});
