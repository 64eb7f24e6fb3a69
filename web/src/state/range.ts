/** Time ranges: relative (`-1h` to `now`) or absolute, as they stand in the address bar. */

import { computed, signal } from "@preact/signals";
import { typed, type Zone } from "../text/format";
import { param, path, update } from "./location";

export interface Range {
  /** RFC 3339, or relative such as `-15m`. */
  from: string;
  /** RFC 3339, relative, or `now`. */
  to: string;
}

const UNITS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };
const RELATIVE = /^-(\d+)([smhdw])$/;
const WORDS: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };

/** How far back a page looks by itself: what runs now and then needs more than what comes all the time. */
const BACK: [pages: RegExp, from: string][] = [
  [/^\/(jobs|engines|batches|agents|tasks|workers|operations)\b/, "-1d"],
  [/^\/runs\b/, "-30d"],
  [/^/, "-15m"],
];
const back = computed(() => BACK.find(([pages]) => pages.test(path.value))?.[1] as string);
export const PRESETS = ["-5m", "-15m", "-1h", "-3h", "-6h", "-12h", "-1d", "-3d", "-7d", "-30d"];

const fromParam = param("from");
const toParam = param("to");

/** The range of the page. */
export const range = computed<Range>(() => ({
  from: valid(fromParam.value) ?? back.value,
  to: valid(toParam.value) ?? "now",
}));

/** Counted up to ask again for the same range (the refresh button, a step of live mode). */
export const asked = signal(0);

/** Sets the range of the page. */
export function setRange(next: Range, replace = false): void {
  update(
    {
      from: next.from === back.value && next.to === "now" ? null : next.from,
      to: next.to === "now" ? null : next.to,
    },
    replace,
  );
}

function valid(time: string): string | null {
  if (time === "now" || RELATIVE.test(time)) return time;
  return time !== "" && !Number.isNaN(Date.parse(time)) ? time : null;
}

/** Milliseconds since the epoch of one end. */
export function instant(time: string, now = Date.now()): number {
  if (time === "now") return now;
  const match = RELATIVE.exec(time);
  return match ? now - Number(match[1]) * (UNITS[match[2] as string] as number) : Date.parse(time);
}

/** Whether the range ends now and so moves on. */
export function moving(value: Range): boolean {
  return value.to === "now";
}

/** `Last 15 minutes`, or both ends. */
export function label(value: Range, zone: Zone): string {
  const match = RELATIVE.exec(value.from);
  if (match && value.to === "now") {
    const amount = Number(match[1]);
    const word = WORDS[match[2] as string] as string;
    return amount === 1 ? `Last ${word}` : `Last ${amount} ${word}s`;
  }
  const start = side(value.from, zone);
  const end = side(value.to, zone);
  return start.slice(0, 10) === end.slice(0, 10) ? `${start} – ${end.slice(11)}` : `${start} – ${end}`;
}

function side(time: string, zone: Zone): string {
  return time === "now" || RELATIVE.test(time) ? time : typed(time, zone);
}

/** Absolute range of two instants, whole milliseconds. */
export function between(start: number, end: number): Range {
  return { from: new Date(Math.floor(start)).toISOString(), to: new Date(Math.ceil(end)).toISOString() };
}

/** Twice as long around the same middle, not beyond now. */
export function wider(value: Range, now = Date.now()): Range {
  const relative = RELATIVE.exec(value.from);
  if (relative && value.to === "now") {
    const next = PRESETS.find((preset) => instant(preset, 0) < instant(value.from, 0));
    return { from: next ?? value.from, to: "now" };
  }
  const start = instant(value.from, now);
  const end = instant(value.to, now);
  const half = Math.max(500, (end - start) / 2);
  return between(start - half, Math.min(Math.max(now, end), end + half));
}

/** The range moved by its own length: −1 earlier, 1 later (not beyond now). */
export function shifted(value: Range, steps: number, now = Date.now()): Range {
  const start = instant(value.from, now);
  const end = instant(value.to, now);
  const by = Math.min((end - start) * steps, Math.max(0, now - end));
  return between(start + by, end + by);
}

/**
 * Reads what a person typed: `15m`, `-2h`, `now`, `2026-11-22 01:30`, `01:30` (today), RFC 3339.
 *
 * @returns the form the address bar holds, or null when it cannot be read.
 */
export function read(text: string, zone: Zone, now = Date.now()): string | null {
  const trimmed = text.trim();
  if (trimmed === "now") return trimmed;
  const relative = /^-?\s*(\d+)\s*([smhdw])$/i.exec(trimmed);
  if (relative) return `-${relative[1]}${(relative[2] as string).toLowerCase()}`;
  const today = /^(\d{1,2})(:\d{2}(?::\d{2}(?:\.\d+)?)?)$/.exec(trimmed);
  const time = today
    ? `${typed(now, zone).slice(0, 10)} ${(today[1] as string).padStart(2, "0")}${today[2]}`
    : trimmed;
  if (!/^\d{4}-\d{2}-\d{2}/.test(time)) return null;
  const iso = time.replace(" ", "T");
  const zoned = /([zZ]|[+-]\d{2}:?\d{2})$/.test(iso);
  const complete = iso.length === 10 ? `${iso}T00:00` : iso;
  const at = Date.parse(zone === "utc" && !zoned ? `${complete}Z` : complete);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
