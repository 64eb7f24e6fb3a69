/** The charts that are open: the address bar holds them. */

import { computed } from "@preact/signals";
import { param, update } from "../../state/location";
import { type ChartSpec, MOST, read, write } from "./spec";

const text = param("charts");

/** The charts that are open. */
export const charts = computed(() => read(text.value));

/** Opens a chart above the others. */
export function open(chart: ChartSpec): void {
  update({ charts: write([chart, ...charts.peek()].slice(0, MOST)) });
}

/** Changes one chart; null takes it away. */
export function change(index: number, next: ChartSpec | null): void {
  const list = charts.peek().flatMap((chart, at) => (at !== index ? [chart] : next ? [next] : []));
  update({ charts: write(list) });
}
