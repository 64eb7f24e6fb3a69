import { expect, test } from "vitest";
import { links, stretches } from "./chain";

const own = (name: string) => ({ function: name, in_app: true });
const library = (name: string) => ({ function: name, in_app: false });

test("the caught exception comes first, each cause below what it caused", () => {
  const raised = [
    { type: "Outer" },
    { type: "Cause", parent: 0, relation: "cause" },
    { type: "Member", parent: 0, relation: "member" },
    { type: "Root", parent: 1, relation: "context" },
  ];
  expect(links(raised).map((link) => [link.raised.type, link.depth, link.relation])).toEqual([
    ["Outer", 0, ""],
    ["Cause", 1, "caused by"],
    ["Root", 2, "raised while this was handled"],
    ["Member", 1, "one of the group"],
  ]);
});

test("what refers to itself or to nothing is shown once", () => {
  const raised = [
    { type: "A", parent: 1 },
    { type: "B", parent: 0 },
    { type: "C", parent: 9 },
  ];
  expect(links(raised).map((link) => link.raised.type)).toEqual(["A", "B", "C"]);
});

test("frames of libraries are folded, the innermost frame is first", () => {
  const frames = [library("run"), own("main"), library("a"), library("b"), own("pay"), library("send")];
  expect(
    stretches(frames).map((part) => ("folded" in part ? part.folded.length : part.frame.function)),
  ).toEqual(["send", "pay", 2, "main", "run"]);
});

test("where there are only libraries, all stand open", () => {
  expect(stretches([library("a"), library("b")])).toHaveLength(2);
});
