/** An answer of the server that a component shows, kept in step with what was asked. */

import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { aborted, Failure } from "../api/client";

/** How long an answer may take before anything says so. */
export const PATIENCE_MS = 200;

export interface Resource<T> {
  /** The latest answer; stays while the next one is on its way. */
  data: ReadonlySignal<T | undefined>;
  failure: ReadonlySignal<Failure | undefined>;
  /** An answer has been awaited for longer than a glance. */
  slow: ReadonlySignal<boolean>;
  /** Asks again. */
  retry: () => void;
}

/**
 * Loads when `key` changes; what was under way for the former key is cancelled. `null` loads nothing.
 *
 * @param key everything the answer depends on, as text.
 * @param load asks the server; must pass the signal on.
 * @param pause waits so long for the key to settle (while somebody types), ms.
 * @param every asks again so long after each answer, while somebody looks, ms; 0 never. What is late is waited for.
 */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  pause = 0,
  every = 0,
): Resource<T> {
  const data = useSignal<T | undefined>(undefined);
  const failure = useSignal<Failure | undefined>(undefined);
  const slow = useSignal(false);
  const latest = useRef(load);
  latest.current = load;
  const running = useRef<AbortController | null>(null);
  const pulse = useRef(every);
  pulse.current = every;
  const next = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const run = useCallback(
    (quiet = false) => {
      running.current?.abort();
      clearTimeout(next.current);
      const controller = new AbortController();
      running.current = controller;
      const timer = quiet
        ? undefined
        : setTimeout(() => {
            slow.value = true;
          }, PATIENCE_MS);
      const again = () => {
        if (pulse.current === 0) return;
        next.current = setTimeout(() => {
          if (document.hidden) again();
          else if (pulse.current > 0) run(true);
        }, pulse.current);
      };
      latest
        .current(controller.signal)
        .then(
          (answer) => {
            if (controller.signal.aborted) return;
            data.value = answer;
            failure.value = undefined;
          },
          (error: unknown) => {
            if (controller.signal.aborted || aborted(error)) return;
            failure.value =
              error instanceof Failure ? error : new Failure(0, "This page failed", String(error));
          },
        )
        .finally(() => {
          clearTimeout(timer);
          if (running.current !== controller) return;
          slow.value = false;
          if (!controller.signal.aborted) again();
        });
    },
    [data, failure, slow],
  );

  useEffect(() => {
    if (key === null) return undefined;
    const timer = pause > 0 ? setTimeout(run, pause) : undefined;
    if (pause === 0) run();
    return () => {
      clearTimeout(timer);
      clearTimeout(next.current);
      running.current?.abort();
    };
  }, [key, run, pause]);

  return { data, failure, slow, retry: () => run() };
}
