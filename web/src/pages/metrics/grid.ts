/** The stretch of time that all charts of the page share. */

import { computed } from "@preact/signals";
import { asked, instant, range } from "../../state/range";
import type { Grid } from "./series";
import { stepOf } from "./promql";

/** The page's range as points: round times, so that a chart that is asked again has the same points. */
export const grid = computed<Grid>(() => {
  asked.value; // asked again: "now" has moved on
  const start = instant(range.value.from) / 1000;
  const end = instant(range.value.to) / 1000;
  const step = stepOf(end - start);
  return { start: Math.ceil(start / step) * step, end: Math.floor(end / step) * step, step };
});
