/** How the figures of two runs read beside each other. */

import type { FigurePair } from "../../api/runs";
import { bytes, count, duration } from "../../text/format";
import { amount } from "../../text/units";

const FIGURES: Record<FigurePair["name"], { title: string; tell: (value: number) => string }> = {
  duration_ms: { title: "Duration", tell: duration },
  rows: { title: "Rows", tell: count },
  rows_per_second: { title: "Rows a second", tell: amount },
  memory_peak_bytes: { title: "Peak memory", tell: bytes },
  cpu_ms: { title: "Processor", tell: duration },
  errors: { title: "Errors", tell: count },
  warnings: { title: "Warnings", tell: count },
};

export function titleOf({ name }: FigurePair): string {
  return FIGURES[name]?.title ?? name;
}

export function told({ name }: FigurePair, value: number | null): string {
  return value === null ? "–" : (FIGURES[name]?.tell ?? amount)(value);
}

/** Closer than so much is alike: two runs never take the same time. */
const NEAR = 0.05;

/** Whether two values differ by more than two runs of the same thing do. */
export function differs({
  a,
  b,
  ratio,
}: {
  a: number | null;
  b: number | null;
  ratio: number | null;
}): boolean {
  if (ratio === null) return (a ?? 0) !== (b ?? 0);
  return Math.abs(ratio - 1) >= NEAR;
}
