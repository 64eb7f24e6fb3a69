/**
 * Server-sent events over `fetch`, not `EventSource`: so the first request can say which event it had last, and
 * a refusal can be told.
 */

import { aborted, send } from "./client";

export interface Follower {
  /** Called with the data of each event. */
  event(name: string, data: string): void;
  /** The connection is open (`true`) or was lost and is tried again (`false`). */
  connected(open: boolean): void;
}

const RETRY_MS = [500, 1000, 2000, 5000];

/** Follows a stream until the signal aborts; reconnects from the last event seen. */
export async function follow(url: string, last: string, signal: AbortSignal, to: Follower): Promise<void> {
  let lastId = last;
  for (let failed = 0; !signal.aborted; failed += 1) {
    try {
      const seen = lastId === "" ? {} : { "Last-Event-ID": lastId };
      const response = await send(url, {
        headers: { Accept: "text/event-stream", ...seen },
        signal,
      });
      to.connected(true);
      failed = 0;
      await read(response, (event) => {
        if (event.id !== undefined) lastId = event.id;
        to.event(event.name, event.data);
      });
    } catch (error) {
      if (aborted(error)) return;
    }
    to.connected(false);
    await pause(RETRY_MS[Math.min(failed, RETRY_MS.length - 1)] as number, signal);
  }
}

interface Event {
  name: string;
  data: string;
  id?: string;
}

async function read(response: Response, emit: (event: Event) => void): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held += value;
    const blocks = held.split(/\r?\n\r?\n/);
    held = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parse(block);
      if (event) emit(event);
    }
  }
}

/** Reads one event; comments and events without data give null. */
export function parse(block: string): Event | null {
  const event: Event = { name: "message", data: "" };
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event.name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") event.id = value;
  }
  event.data = data.join("\n");
  return data.length > 0 ? event : null;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
