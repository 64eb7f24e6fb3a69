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
 */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  pause = 0,
): Resource<T> {
  const data = useSignal<T | undefined>(undefined);
  const failure = useSignal<Failure | undefined>(undefined);
  const slow = useSignal(false);
  const latest = useRef(load);
  latest.current = load;
  const running = useRef<AbortController | null>(null);

  const run = useCallback(() => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const timer = setTimeout(() => {
      slow.value = true;
    }, PATIENCE_MS);
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
        if (running.current === controller) slow.value = false;
      });
  }, [data, failure, slow]);

  useEffect(() => {
    if (key === null) return undefined;
    const timer = pause > 0 ? setTimeout(run, pause) : undefined;
    if (pause === 0) run();
    return () => {
      clearTimeout(timer);
      running.current?.abort();
    };
  }, [key, run, pause]);

  return { data, failure, slow, retry: run };
}
