/** Keys that act on the page, when nobody is typing. */

import { useLayoutEffect, useRef } from "preact/hooks";

/** Key (as `KeyboardEvent.key`, `mod+k` for ⌘/Ctrl) → what it does; `false` means "not for me". */
export type Keys = Record<string, (event: KeyboardEvent) => unknown>;

const layers: { keys: Keys; typing: boolean }[] = [];

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
    !(target instanceof HTMLInputElement && /^(checkbox|radio|range|button)$/.test(target.type))
  );
}

/** Starts to listen, once. */
export function listenKeys(): void {
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const typing = isTyping(event.target);
    const modified = event.metaKey || event.ctrlKey;
    const name = modified ? `mod+${event.key.toLowerCase()}` : event.key;
    for (const layer of [...layers].reverse()) {
      if (typing && !modified && !layer.typing) continue;
      const act = layer.keys[name];
      if (act && act(event) !== false) {
        event.preventDefault();
        return;
      }
    }
  });
}

/**
 * Keys that work while a component is on the screen; a later component goes first.
 *
 * @param typing whether they also work while a text field has the focus.
 */
export function useKeys(keys: Keys, typing = false): void {
  const layer = useRef({ keys, typing });
  layer.current.keys = keys;
  // Before the next key arrives: what is on the screen answers to it.
  useLayoutEffect(() => {
    const mine = layer.current;
    layers.push(mine);
    return () => {
      layers.splice(layers.indexOf(mine), 1);
    };
  }, []);
}

/**
 * Keys that walk through a list and open what the cursor is on. Enter on a button or a link does what that does.
 *
 * @param step moves the cursor by so many rows.
 * @param open opens the row under it.
 */
export function walking(step: (by: number) => unknown, open: () => unknown): Keys {
  return {
    j: () => step(1),
    ArrowDown: () => step(1),
    k: () => step(-1),
    ArrowUp: () => step(-1),
    Enter: (event) => {
      if (event.target instanceof HTMLElement && /^(BUTTON|A)$/.test(event.target.tagName)) return false;
      return open();
    },
  };
}

/** Whether this is a Mac, for naming keys. */
export const MOD = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";
