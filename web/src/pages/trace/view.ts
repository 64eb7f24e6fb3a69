/** What of a trace is looked at, read from the address bar: the stretch of time, the span, the text sought. */

import { computed } from "@preact/signals";
import { param, params, update } from "../../state/location";

export const selected = param("span");
export const needle = param("find");

const zoomParam = param("zoom");

/** The stretch of time shown, ms from the start; undefined: all of it. */
export const zoom = computed<[number, number] | undefined>(() => {
  const match = /^([\d.]+)-([\d.]+)$/.exec(zoomParam.value);
  if (!match) return undefined;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return from < to ? [from, to] : undefined;
});

/** Shows a stretch of a trace of so many ms; nearly all of it is all of it. */
export function setZoom(from: number, to: number, length: number): void {
  const start = Math.max(0, from);
  const end = Math.min(length, to);
  const smallest = length / 1e5;
  if (end - start < smallest) return;
  const all = start <= length * 0.001 && end >= length * 0.999;
  const write = (ms: number) => String(Number(ms.toPrecision(7)));
  update({ zoom: all ? null : `${write(start)}-${write(end)}` }, true);
}

export function select(spanId: string | null): void {
  update({ span: spanId }, spanId !== null && params.value.has("span"));
}
