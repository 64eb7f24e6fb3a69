import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  label: string;
  close: () => void;
  class?: string;
  children: ComponentChildren;
}

/** A modal dialog; the browser keeps the focus inside and Esc closes. */
export function Dialog({ label, close, class: name = "", children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  // Before the next key arrives: what somebody types right after the key that opens it is meant for it.
  useLayoutEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${name}`}
      aria-label={label}
      onClose={close}
      onClick={(event) => {
        if (event.target === event.currentTarget) close();
      }}
      onKeyDown={(event) => event.stopPropagation()}
    >
      {children}
    </dialog>
  );
}
