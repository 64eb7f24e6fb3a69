/**
 * A list that the server gives page by page. Pages far from the eye are let go and asked for again by their
 * cursor, so that a walk through millions of rows needs the memory of a few thousand.
 */

import { computed, signal } from "@preact/signals";
import { aborted, Failure } from "../api/client";
import { PATIENCE_MS } from "./resource";

interface Page<T> {
  cursor: string | null;
  start: number;
  count: number;
  /** null: let go. */
  rows: T[] | null;
  asked: boolean;
}

/** One answer of the server. */
export interface Answer<T> {
  rows: T[];
  total: number;
  next: string | null;
}

export type Fetch<T> = (cursor: string | null, limit: number, signal: AbortSignal) => Promise<Answer<T>>;

const FIRST = 200;
/** Pages kept on either side of those in sight. */
const KEPT = 4;
/** How near the end of what is loaded the eye may come before more is asked for. */
const AHEAD = 1500;

export class Paged<T> {
  readonly #further: number;

  /** @param further rows of a page after the first; a page costs the server nearly the same however long it is. */
  constructor(further: number) {
    this.#further = further;
  }

  /** Rows that match in all; undefined before the first answer. */
  readonly total = signal<number | undefined>(undefined);
  readonly failure = signal<Failure | undefined>(undefined);
  readonly slow = signal(false);
  readonly #version = signal(0);
  /** Rows that `at` knows, let go or not. */
  readonly count = computed(() => {
    this.#version.value;
    const last = this.#pages.at(-1);
    return last ? last.start + last.count : 0;
  });

  #pages: Page<T>[] = [];
  #next: string | null = null;
  #fetch: Fetch<T> | undefined;
  #controller = new AbortController();
  #again: (() => Promise<unknown>) | undefined;
  /** The next page on its way; stays when it failed, until somebody tries again. */
  #more: Promise<boolean> | undefined;

  /** Asks anew; what is shown stays until the first page is there. Settles when it is. */
  async restart(fetch: Fetch<T>): Promise<void> {
    this.#fetch = fetch;
    this.#controller.abort();
    const controller = new AbortController();
    this.#controller = controller;
    this.#more = undefined;
    const timer = setTimeout(() => {
      if (!controller.signal.aborted) this.slow.value = true;
    }, PATIENCE_MS);
    try {
      const answer = await fetch(null, FIRST, controller.signal);
      if (controller.signal.aborted) return;
      this.#pages = [{ cursor: null, start: 0, count: answer.rows.length, rows: answer.rows, asked: true }];
      this.#next = answer.next;
      this.total.value = answer.total;
      this.failure.value = undefined;
      this.#changed();
    } catch (error) {
      if (!controller.signal.aborted) this.#failed(error, () => this.restart(fetch));
    } finally {
      clearTimeout(timer);
      if (this.#controller === controller) this.slow.value = false;
    }
  }

  /** Stops what is under way. */
  stop(): void {
    this.#controller.abort();
  }

  /** The row at a place; undefined when it is not here (yet, or any more). */
  at(index: number): T | undefined {
    this.#version.value;
    const page = this.#page(index);
    return page?.rows?.[index - page.start];
  }

  /** Tells which rows are in sight: missing ones are fetched, far ones let go. */
  window(first: number, last: number): void {
    if (this.#pages.length === 0) return;
    const from = Math.max(0, this.#pages.indexOf(this.#page(first) ?? (this.#pages.at(-1) as Page<T>)));
    const page = this.#page(last);
    const to = page ? this.#pages.indexOf(page) : this.#pages.length - 1;
    this.#pages.forEach((each, at) => {
      if (at >= from - 1 && at <= to + 1) this.#fill(each);
      else if (at > 0 && (at < from - KEPT || at > to + KEPT)) each.rows = null;
      if (each.rows === null && (at < from - 1 || at > to + 1)) each.asked = false;
    });
    if (last + AHEAD > this.count.peek()) void this.more();
  }

  #page(index: number): Page<T> | undefined {
    let low = 0;
    let high = this.#pages.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const page = this.#pages[middle] as Page<T>;
      if (index < page.start) high = middle - 1;
      else if (index >= page.start + page.count) low = middle + 1;
      else return page;
    }
    return undefined;
  }

  /** Fetches the next page, once for all who ask; false when there is none, or it failed. */
  async more(): Promise<boolean> {
    if (this.#next === null || !this.#fetch) return false;
    this.#more ??= this.#append(this.#fetch, this.#next);
    return this.#more;
  }

  async #append(fetch: Fetch<T>, cursor: string): Promise<boolean> {
    const { signal: live } = this.#controller;
    try {
      const answer = await fetch(cursor, this.#further, live);
      if (live.aborted) return false;
      const start = this.count.peek();
      this.#pages.push({ cursor, start, count: answer.rows.length, rows: answer.rows, asked: true });
      this.#next = answer.next;
      this.failure.value = undefined;
      this.#more = undefined;
      this.#changed();
      return true;
    } catch (error) {
      if (!live.aborted) {
        this.#failed(error, () => {
          this.#more = undefined;
          return this.more();
        });
      }
      return false;
    }
  }

  /** Asks once more for what failed. */
  retry(): void {
    this.failure.value = undefined;
    void this.#again?.();
  }

  async #fill(page: Page<T>): Promise<void> {
    if (page.rows !== null || page.asked || !this.#fetch) return;
    page.asked = true;
    const { signal: live } = this.#controller;
    try {
      const answer = await this.#fetch(page.cursor, page.count, live);
      if (live.aborted) return;
      page.rows = answer.rows;
      this.#changed();
    } catch (error) {
      page.asked = false;
      if (!live.aborted) this.#failed(error, () => this.#fill(page));
    }
  }

  #failed(error: unknown, again: () => Promise<unknown>): void {
    if (aborted(error)) return;
    this.#again = again;
    this.failure.value = error instanceof Failure ? error : new Failure(0, "This page failed", String(error));
  }

  #changed(): void {
    this.#version.value += 1;
  }
}
