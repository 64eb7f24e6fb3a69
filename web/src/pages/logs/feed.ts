/**
 * The lines that the page shows: what was found, page by page, and above it what has come in since. Holds a bounded
 * number of lines however long it follows.
 */

import { batch, computed, signal } from "@preact/signals";
import { post } from "../../api/client";
import { follow } from "../../api/stream";
import type { Entry, LogFilter, LogPage } from "../../api/types";
import { type Fetch, Paged } from "../../state/paged";

/** New lines kept above the found ones; beyond that the list is asked for anew. */
const MOST_NEW = 3000;
/** New lines are shown at most so often, ms. */
const FLUSH_MS = 150;

/** Pages of a filter's lines; `first` gets the first page as it comes. */
function fetchLogs(filter: LogFilter, first: (page: LogPage) => void): Fetch<Entry> {
  return async (cursor, limit, signal) => {
    const page = await post<LogPage>(
      "/v1/logs/search",
      { ...filter, limit, ...(cursor ? { cursor } : {}) },
      signal,
    );
    if (cursor === null) first(page);
    return { rows: page.logs, total: page.total, next: page.next };
  };
}

export class Feed {
  readonly found = new Paged<Entry>(2000);
  /** Lines that came while the reader was further down. */
  readonly held = signal(0);
  /** Whether the stream of new lines is up; undefined when not following. */
  readonly connected = signal<boolean | undefined>(undefined);
  readonly #version = signal(0);
  readonly count = computed(() => {
    this.#version.value;
    return this.#fresh.length + this.found.count.value;
  });
  readonly total = computed(() => {
    this.#version.value;
    const found = this.found.total.value;
    return found === undefined ? undefined : found + this.#fresh.length;
  });

  /** New lines on the screen, oldest first. */
  #fresh: Entry[] = [];
  /** New lines not on the screen yet, oldest first. */
  #waiting: Entry[] = [];
  #lost = false;
  #paused = false;
  /** Id of the newest line known; negative before the first answer. */
  #newest = -1;
  #filter: LogFilter = {};
  #follower = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Looks for a filter's lines. What is on the screen stays until they are there. */
  async restart(filter: LogFilter): Promise<void> {
    this.#filter = filter;
    let newest = this.#newest;
    await this.found.restart(
      fetchLogs(filter, (page) => {
        newest = Number(page.last_id);
      }),
    );
    if (this.#filter !== filter) return;
    batch(() => {
      this.#newest = newest;
      this.#fresh = this.#fresh.filter((entry) => Number(entry.id) > newest);
      this.#waiting = this.#waiting.filter((entry) => Number(entry.id) > newest);
      this.#lost = false;
      this.#changed();
    });
  }

  /** Forgets the new lines: they belonged to another filter. */
  clear(): void {
    this.#fresh = [];
    this.#waiting = [];
    this.#lost = false;
    this.#changed();
  }

  /** Follows new lines from where the search ended. */
  follow(url: string): void {
    this.unfollow();
    const controller = new AbortController();
    this.#follower = controller;
    void follow(url, this.#newest < 0 ? "" : String(this.#newest), controller.signal, {
      connected: (open) => {
        this.connected.value = open;
      },
      event: (name, data) => {
        if (name === "logs") this.#receive((JSON.parse(data) as { logs: Entry[] }).logs);
        if (name === "skipped") this.#lost = true; // a burst: the list is asked for anew
      },
    });
  }

  unfollow(): void {
    this.#follower.abort();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.connected.value = undefined;
  }

  /** Stops everything. */
  close(): void {
    this.unfollow();
    this.found.stop();
  }

  /** While paused, new lines wait and nothing on the screen moves. */
  pause(on: boolean): void {
    if (this.#paused === on) return;
    this.#paused = on;
    if (!on) this.#flush();
  }

  /** Number of lines above the found ones; places of found lines move by it. */
  get fresh(): number {
    this.#version.value;
    return this.#fresh.length;
  }

  at(index: number): Entry | undefined {
    this.#version.value;
    const fresh = this.#fresh.length;
    return index < fresh ? this.#fresh[fresh - 1 - index] : this.found.at(index - fresh);
  }

  /** Place of a line among those in memory; −1 when it is not. */
  find(id: string): number {
    const count = this.count.peek();
    for (let index = 0; index < count; index += 1) if (this.at(index)?.id === id) return index;
    return -1;
  }

  window(first: number, last: number): void {
    const fresh = this.#fresh.length;
    this.found.window(Math.max(0, first - fresh), Math.max(0, last - fresh));
  }

  #receive(entries: Entry[]): void {
    for (const entry of entries) if (Number(entry.id) > this.#newest) this.#waiting.push(entry);
    if (this.#waiting.length > MOST_NEW) {
      // Too many to show one by one: the newest are asked for when somebody looks.
      this.#waiting = this.#waiting.slice(-MOST_NEW);
      this.#lost = true;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, FLUSH_MS);
  }

  #flush(): void {
    if (this.#paused) {
      this.held.value = this.#waiting.length;
      return;
    }
    batch(() => {
      this.held.value = 0;
      if (this.#waiting.length === 0) return;
      this.#fresh.push(...this.#waiting);
      this.#waiting = [];
      this.#changed();
    });
    if (this.#lost || this.#fresh.length > MOST_NEW) {
      this.#fresh = this.#fresh.slice(-MOST_NEW);
      void this.restart(this.#filter);
    }
  }

  #changed(): void {
    this.#version.value += 1;
  }
}
