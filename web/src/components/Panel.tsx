import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { useKeys } from "../state/keyboard";
import { panelWidth } from "../state/preferences";
import { Icon } from "./Icon";

const NARROWEST = 340;

interface Props {
  label: string;
  title: ComponentChildren;
  /** Further buttons of the head. */
  actions?: ComponentChildren;
  close: () => void;
  /** Goes to the neighbour in the list behind; absent at its ends. */
  previous?: (() => void) | undefined;
  next?: (() => void) | undefined;
  children: ComponentChildren;
}

/** The one detail panel: slides in from the right, its left edge is a handle, Esc closes, `[` and `]` step. */
export function Panel({ label, title, actions, close, previous, next, children }: Props) {
  const box = useRef<HTMLElement>(null);
  useKeys({ Escape: close, "[": () => previous?.(), "]": () => next?.() });

  const resize = (width: number) => {
    const most = Math.max(NARROWEST, window.innerWidth - 320);
    panelWidth.value = String(Math.round(Math.min(most, Math.max(NARROWEST, width))));
  };
  const drag = (event: PointerEvent) => {
    const handle = event.currentTarget as HTMLElement;
    handle.setPointerCapture(event.pointerId);
    const move = (at: PointerEvent) =>
      resize((box.current?.getBoundingClientRect().right ?? window.innerWidth) - at.clientX);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", move), {
      once: true,
    });
  };
  const width = Number(panelWidth.value);

  return (
    <aside class="panel" ref={box} aria-label={label} style={{ width: `${width}px` }}>
      <div
        class="panel-handle"
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the panel"
        aria-valuenow={width}
        aria-valuemin={NARROWEST}
        aria-valuemax={2000}
        tabIndex={0}
        onPointerDown={drag}
        onKeyDown={(event) => {
          if (event.key === "ArrowLeft") resize(width + 24);
          if (event.key === "ArrowRight") resize(width - 24);
        }}
      />
      <header class="panel-head">
        <div class="grow clip panel-title">{title}</div>
        {actions}
        <button
          type="button"
          class="button bare square small"
          disabled={!previous}
          onClick={previous}
          title="Previous ( [ )"
          aria-label="Previous"
        >
          <Icon name="up" size={14} />
        </button>
        <button
          type="button"
          class="button bare square small"
          disabled={!next}
          onClick={next}
          title="Next ( ] )"
          aria-label="Next"
        >
          <Icon name="down" size={14} />
        </button>
        <button
          type="button"
          class="button bare square small"
          onClick={close}
          title="Close (Esc)"
          aria-label="Close the panel"
        >
          <Icon name="close" size={14} />
        </button>
      </header>
      <div class="panel-body">{children}</div>
    </aside>
  );
}
