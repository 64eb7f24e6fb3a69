import { describe, expect, it } from "vitest";
import { parse } from "./stream";

describe("parse", () => {
  it("reads name, id and data of an event", () => {
    expect(parse('event: logs\nid: 42\ndata: {"a":\ndata: 1}')).toEqual({
      name: "logs",
      id: "42",
      data: '{"a":\n1}',
    });
    expect(parse("data:x\r\nretry: 1")).toEqual({ name: "message", data: "x" });
  });
  it("passes over comments and events without data", () => {
    expect(parse(": a comment")).toBeNull();
    expect(parse("event: ping")).toBeNull();
  });
});
