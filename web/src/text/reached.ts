import { count } from "./format";
import { amount } from "./units";

/** How far something is: `45 of 120`, `45`, nothing. */
export function reached(done: number | null | undefined, total: number | null | undefined): string {
  if (done === null || done === undefined) return "";
  return total === null || total === undefined ? figure(done) : `${figure(done)} of ${figure(total)}`;
}

function figure(value: number): string {
  return Number.isInteger(value) ? count(value) : amount(value);
}

/** How many come in an hour, or in a day where an hour has less than one: `12.5 an hour`, `3 a day`. */
export function throughput(perHour: number): string {
  return perHour === 0 || perHour >= 1 ? `${amount(perHour)} an hour` : `${amount(perHour * 24)} a day`;
}
