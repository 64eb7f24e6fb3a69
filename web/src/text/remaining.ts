/** Less than this part done says nothing about the rest. */
const LEAST = 0.01;

/**
 * How long it will go on if it goes on as it did.
 *
 * @param elapsed ms so far.
 * @param part how much is done, 0 … 1; undefined where nobody knows.
 * @param then ms after the beginning when that was said.
 * @returns ms, rounded so that it does not flicker; undefined where nothing can be said, or it should be over.
 */
export function remaining(elapsed: number, part: number | undefined, then = elapsed): number | undefined {
  if (part === undefined || part < LEAST || part >= 1) return undefined;
  const ms = then / part - elapsed;
  if (ms <= 0) return undefined;
  const step = ms < 60_000 ? 1000 : ms < 3_600_000 ? 10_000 : 60_000;
  return Math.max(step, Math.round(ms / step) * step);
}
