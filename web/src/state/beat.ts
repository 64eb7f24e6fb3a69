/** A pulse for what goes on by itself. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** Counts up every so often while somebody looks at the page. */
export function useBeat(ms: number, on = true): number {
  const beat = useSignal(0);
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) beat.value += 1;
    }, ms);
    return () => clearInterval(timer);
  }, [beat, ms, on]);
  return beat.value;
}
