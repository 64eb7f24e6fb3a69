import { describe, expect, it, vi } from "vitest";

vi.hoisted(() => {
  process.env.TZ = "UTC";
  Object.assign(globalThis, { window: { location: { pathname: "/", search: "" } } });
});
const { label, read, shifted, wider } = await import("./range");

const now = Date.parse("2026-11-22T12:00:00Z");

describe("range", () => {
  it("reads what people type", () => {
    expect(
      [
        "15m",
        "-2h",
        "now",
        "2026-11-22 01:30",
        "9:05",
        "2026-11-22",
        "2026-11-22T01:30:00+02:00",
        "soon",
      ].map((text) => read(text, "utc", now)),
    ).toEqual([
      "-15m",
      "-2h",
      "now",
      "2026-11-22T01:30:00.000Z",
      "2026-11-22T09:05:00.000Z",
      "2026-11-22T00:00:00.000Z",
      "2026-11-21T23:30:00.000Z",
      null,
    ]);
  });
  it("names a range", () => {
    expect(label({ from: "-15m", to: "now" }, "utc")).toBe("Last 15 minutes");
    expect(label({ from: "-1h", to: "now" }, "utc")).toBe("Last hour");
    expect(label({ from: "2026-11-22T01:00:00Z", to: "2026-11-22T02:00:00Z" }, "utc")).toBe(
      "2026-11-22 01:00:00 – 02:00:00",
    );
  });
  it("widens and moves without passing now", () => {
    expect(wider({ from: "-1h", to: "now" })).toEqual({ from: "-3h", to: "now" });
    expect(wider({ from: "2026-11-22T11:00:00Z", to: "2026-11-22T12:00:00Z" }, now)).toEqual({
      from: "2026-11-22T10:30:00.000Z",
      to: "2026-11-22T12:00:00.000Z",
    });
    expect(shifted({ from: "2026-11-22T10:00:00Z", to: "2026-11-22T11:00:00Z" }, -1, now).from).toBe(
      "2026-11-22T09:00:00.000Z",
    );
  });
});
