import { describe, expect, it } from "vitest";
import { Failure } from "../api/client";
import { type Fetch, Paged } from "./paged";

/** A list of so many rows, and the cursors it was asked for. */
function list(total: number): { fetch: Fetch<number>; asked: (string | null)[] } {
  const asked: (string | null)[] = [];
  const fetch: Fetch<number> = async (cursor, limit) => {
    asked.push(cursor);
    const start = cursor === null ? 0 : Number(cursor);
    const rows = Array.from({ length: Math.min(limit, total - start) }, (_, at) => start + at);
    const end = start + rows.length;
    return { rows, total, next: end < total ? String(end) : null };
  };
  return { fetch, asked };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("Paged", () => {
  it("knows the total at once and fetches further pages as the eye comes near", async () => {
    const paged = new Paged<number>(1000);
    const { fetch, asked } = list(100_000);
    await paged.restart(fetch);
    expect([paged.total.value, paged.count.value]).toEqual([100_000, 200]);
    paged.window(0, 40);
    await settled();
    expect(paged.count.value).toBe(1200);
    expect(asked).toEqual([null, "200"]);
    expect(paged.at(1199)).toBe(1199);
    expect(paged.at(1200)).toBeUndefined();
  });

  it("lets far pages go and fetches them again by their cursor", async () => {
    const paged = new Paged<number>(1000);
    const { fetch, asked } = list(30_000);
    await paged.restart(fetch);
    while (await paged.more());
    expect(paged.count.value).toBe(30_000);
    paged.window(29_900, 29_950);
    expect(paged.at(1500)).toBeUndefined();
    expect(paged.at(29_000)).toBe(29_000);
    asked.length = 0;
    paged.window(1500, 1540);
    await settled();
    expect(paged.at(1500)).toBe(1500);
    expect(asked.sort()).toEqual(["1200", "200", "2200"]);
  });

  it("asks once for a page, however many want it", async () => {
    const paged = new Paged<number>(1000);
    const { fetch, asked } = list(5000);
    await paged.restart(fetch);
    await Promise.all([paged.more(), paged.more(), paged.more()]);
    expect(asked).toEqual([null, "200"]);
  });

  it("forgets the answer to a question that was overtaken", async () => {
    const paged = new Paged<number>(1000);
    let answer: () => void = () => undefined;
    const slow: Fetch<number> = (_, __, signal) =>
      new Promise((resolve, reject) => {
        answer = () => resolve({ rows: [1], total: 1, next: null });
        signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      });
    const first = paged.restart(slow);
    await paged.restart(list(7).fetch);
    answer();
    await first;
    expect(paged.total.value).toBe(7);
    expect(paged.failure.value).toBeUndefined();
  });

  it("keeps what it has when the next page fails, and goes on after a retry", async () => {
    const paged = new Paged<number>(1000);
    const { fetch } = list(3000);
    let broken = false;
    await paged.restart((...question) =>
      broken ? Promise.reject(new Failure(503, "busy")) : fetch(...question),
    );
    broken = true;
    expect(await paged.more()).toBe(false);
    expect(paged.failure.value?.title).toBe("busy");
    expect(paged.at(100)).toBe(100);
    broken = false;
    paged.retry();
    await settled();
    expect(paged.count.value).toBe(1200);
    expect(paged.failure.value).toBeUndefined();
  });
});
