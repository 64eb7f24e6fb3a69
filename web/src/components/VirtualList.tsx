/**
 * A long list of rows of one height: only those in sight exist. With one height for all, the place of a row is a
 * multiplication, so 100,000 rows cost what 50 do.
 */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Rows drawn beyond each edge, and the step in which the window moves. */
const OVERSCAN = 16;
const STEP = 8;

export interface Scroller {
  /** Brings a row into sight, moving as little as possible. */
  reveal(index: number): void;
  toTop(): void;
}

interface Props {
  count: number;
  rowHeight: number;
  /** What the list is, for screen readers. */
  label: string;
  /** `treegrid` when rows have levels and can be folded. */
  role?: "grid" | "treegrid";
  /** Rows there are in all, when more than are loaded. */
  total?: number | undefined;
  /** Row with the cursor; −1 for none. */
  active: number;
  /** Id of the element of a row, for the cursor. */
  rowId: (index: number) => string;
  row: (index: number) => ComponentChildren;
  head?: ComponentChildren;
  /** The rows in sight changed. */
  onWindow?: (first: number, last: number) => void;
  scroller?: { current: Scroller | null };
}

export function VirtualList(props: Props) {
  const { count, rowHeight, onWindow } = props;
  const box = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const first = useSignal(0);
  const fits = useSignal(40);

  const look = () => {
    const element = box.current;
    if (!element) return;
    const top = Math.floor(element.scrollTop / rowHeight);
    const rows = Math.ceil(element.clientHeight / rowHeight);
    const start = Math.max(0, Math.floor((top - OVERSCAN) / STEP) * STEP);
    if (start !== first.peek()) first.value = start;
    if (rows !== fits.peek()) fits.value = rows;
    onWindow?.(top, top + rows);
  };
  const latest = useRef(look);
  latest.current = look;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const again = () => latest.current();
    const observer = new ResizeObserver(again);
    observer.observe(element);
    element.addEventListener("scroll", again, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", again);
    };
  }, []);

  // More rows may need more of them loaded.
  useEffect(() => latest.current(), [count]);

  if (props.scroller) {
    props.scroller.current = {
      toTop: () => box.current?.scrollTo(0, 0),
      reveal: (index) => {
        const element = box.current;
        if (!element) return;
        const headHeight = head.current?.offsetHeight ?? 0;
        const top = index * rowHeight;
        const room = element.clientHeight - headHeight - rowHeight;
        if (top < element.scrollTop) element.scrollTop = top;
        else if (top > element.scrollTop + room) element.scrollTop = top - room;
      },
    };
  }

  const start = Math.min(first.value, Math.max(0, count - 1));
  const end = Math.min(count, start + fits.value + 2 * OVERSCAN + STEP);
  const rows: ComponentChildren[] = [];
  for (let index = start; index < end; index += 1) rows.push(props.row(index));
  const { active } = props;

  return (
    <div
      ref={box}
      class="virtual"
      role={props.role ?? "grid"}
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={props.total ?? count}
      aria-activedescendant={active >= start && active < end ? props.rowId(active) : undefined}
    >
      {props.head && (
        <div class="virtual-head" ref={head} role="rowgroup">
          {props.head}
        </div>
      )}
      <div class="virtual-space" role="rowgroup" style={{ height: `${count * rowHeight}px` }}>
        <div
          class="virtual-rows"
          role="presentation"
          style={{ transform: `translateY(${start * rowHeight}px)` }}
        >
          {rows}
        </div>
      </div>
    </div>
  );
}
