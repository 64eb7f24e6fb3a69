import { describe, expect, it } from "vitest";
import { ago, bytes, clock, duration, exact, short } from "./format";

describe("format", () => {
  it("writes durations with three figures and a unit", () => {
    expect(
      [0, 0.0004, 0.412, 3.4249, 42.31, 999.4, 999.6, 1204, 59_960, 125_000, 11_520_000, 90_000_000].map(
        duration,
      ),
    ).toEqual([
      "0 ms",
      "1 µs",
      "412 µs",
      "3.42 ms",
      "42.3 ms",
      "999 ms",
      "1.00 s",
      "1.20 s",
      "1 m 00 s",
      "2 m 05 s",
      "3 h 12 m",
      "1 d 1 h",
    ]);
  });
  it("shortens counts", () => {
    expect([0, 999, 1000, 12_345, 999_600, 1_500_000].map(short)).toEqual([
      "0",
      "999",
      "1k",
      "12k",
      "1M",
      "1.5M",
    ]);
  });
  it("writes sizes in binary units", () => {
    expect([512, 3500, 1 << 30].map(bytes)).toEqual(["512 B", "3.4 KiB", "1.0 GiB"]);
  });
  it("keeps the microseconds", () => {
    const time = "2026-11-22T01:47:55.123456Z";
    expect(exact(time, "utc")).toBe("2026-11-22 01:47:55.123456 UTC");
    expect(clock(time, "utc")).toBe("01:47:55.123");
  });
  it("tells an age", () => {
    expect(ago(0, 90_000)).toBe("1 m ago");
  });
});
