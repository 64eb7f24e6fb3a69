import { describe, expect, it } from "vitest";
import type { Status, Stream } from "../api/types";
import { concerns } from "./concerns";

const stream: Stream = {
  stream: "api-1-0",
  service: "api",
  pid: 1,
  alive: true,
  remote: false,
  lag_bytes: 0,
  missing_segments: 0,
  dropped: {},
  dropped_reason: "",
  degraded_since: null,
  rate_limited: 0,
  internal_errors: 0,
  error: "",
};

function about(ingest: Partial<Status["ingest"]>, more: Partial<Status> = {}): Status {
  return {
    version: "1",
    uptime_seconds: 1,
    directory: "/d",
    store: {},
    dropped_total: 0,
    ...more,
    ingest: {
      lines: 0,
      bytes: 0,
      garbage_lines: 0,
      lag_bytes: 0,
      running: true,
      trouble: "",
      streams: [],
      ...ingest,
    },
  };
}

describe("concerns", () => {
  it("has none when all is well", () => {
    expect(concerns(about({ streams: [stream] }))).toEqual([]);
  });
  it("names who is degraded, what was dropped and why", () => {
    const full = {
      ...stream,
      dropped: { log: 2, span: 1 },
      dropped_reason: "No space left on device",
      degraded_since: "2026-11-22T01:47:55Z",
    };
    expect(concerns(about({ streams: [full] }, { dropped_total: 5 }))).toEqual([
      "api (pid 1) is degraded: No space left on device",
      "api (pid 1) dropped 3 records: No space left on device",
      "2 records were dropped by processes that ended",
    ]);
  });
  it("tells of garbage and of trouble with the store", () => {
    expect(concerns(about({ garbage_lines: 4, trouble: "the disk is full" }))).toEqual([
      "The server cannot take in lines: the disk is full",
      "4 lines could not be understood; they are kept aside",
    ]);
  });
});
