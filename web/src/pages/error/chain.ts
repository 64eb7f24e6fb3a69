/** The exceptions of an occurrence in the order in which a person reads them, and which frames stand open. */

import type { Raised, StackFrame } from "../../api/errors";

/** How an exception belongs to the one above it. */
const RELATIONS: Record<string, string> = {
  cause: "caused by",
  context: "raised while this was handled",
  member: "one of the group",
};

export interface Link {
  raised: Raised;
  /** Place in the record's list. */
  index: number;
  /** Levels below the exception that was caught. */
  depth: number;
  relation: string;
}

/** The caught exception first, each followed by what belongs to it. Whatever refers to itself is shown once. */
export function links(raised: Raised[]): Link[] {
  const found: Link[] = [];
  const seen = new Set<number>();
  const follow = (index: number, depth: number) => {
    const one = raised[index];
    if (!one || seen.has(index)) return;
    seen.add(index);
    found.push({ raised: one, index, depth, relation: RELATIONS[one.relation ?? ""] ?? "" });
    raised.forEach((each, at) => {
      if (each.parent === index) follow(at, depth + 1);
    });
  };
  raised.forEach((each, at) => {
    if (each.parent === undefined || each.parent === null) follow(at, 0);
  });
  raised.forEach((_, at) => follow(at, 0)); // what hangs on nothing that is there
  return found;
}

/** A frame, or frames of libraries in a row that are folded into one line. */
export type Stretch = { frame: StackFrame; at: number } | { folded: StackFrame[]; at: number };

/** The shortest row of library frames that is folded. */
const FEW = 2;

/** Frames with the innermost first; library frames are folded unless there are no others. */
export function stretches(frames: StackFrame[]): Stretch[] {
  const reversed = frames.map((frame, at) => ({ frame, at })).reverse();
  if (!frames.some((frame) => frame.in_app)) return reversed;
  const result: Stretch[] = [];
  let library: { frame: StackFrame; at: number }[] = [];
  const close = () => {
    const [first] = library;
    if (first && library.length >= FEW) {
      result.push({ folded: library.map(({ frame }) => frame), at: first.at });
    } else result.push(...library);
    library = [];
  };
  for (const each of reversed) {
    if (each.frame.in_app) {
      close();
      result.push(each);
    } else library.push(each);
  }
  close();
  return result;
}
