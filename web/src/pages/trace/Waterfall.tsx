import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { Trace, TraceLog } from "../../api/types";
import { type Scroller, VirtualList } from "../../components/VirtualList";
import { treeWidth } from "../../state/preferences";
import { duration } from "../../text/format";
import { type Node, type Row, ticks } from "./model";
import { setZoom, zoom } from "./view";
import { WaterfallRow } from "./WaterfallRow";

const ROW = 24;
const NARROWEST = 160;
const NO_LOGS: TraceLog[] = [];
/** A step of the wheel with Ctrl: this much closer. */
const CLOSER = 0.8;

interface Props {
  trace: Trace;
  nodes: Node[];
  rows: Row[];
  logsBySpan: Map<string, TraceLog[]>;
  /** Places in `nodes` that a search found; undefined while none is on. */
  hits: Set<number> | undefined;
  marks: string[];
  cursor: number;
  opened: string;
  scroller: { current: Scroller | null };
  onPick: (index: number) => void;
  onFold: (index: number) => void;
  /** What a row is. */
  noun?: string;
}

/** The spans as a tree at the left and along the time at the right. */
export function Waterfall(props: Props) {
  const { trace, nodes, rows, logsBySpan, hits, marks, cursor, opened, noun = "Span" } = props;
  const length = Math.max(trace.duration_ms, 1e-6);
  const [from, to] = zoom.value ?? [0, length];
  const handlers = useRef(props);
  handlers.current = props;
  const onPick = useMemo(() => (index: number) => handlers.current.onPick(index), []);
  const onFold = useMemo(() => (index: number) => handlers.current.onFold(index), []);
  const width = Number(treeWidth.value);

  const onWheel = (event: WheelEvent) => {
    if (!event.ctrlKey && !event.metaKey) return;
    const time =
      event.currentTarget instanceof HTMLElement
        ? event.currentTarget.querySelector(".waterfall-axis")
        : null;
    const bounds = time?.getBoundingClientRect();
    if (!bounds) return;
    event.preventDefault();
    const at = from + ((event.clientX - bounds.left) / bounds.width) * (to - from);
    const factor = event.deltaY < 0 ? CLOSER : 1 / CLOSER;
    setZoom(at - (at - from) * factor, at + (to - at) * factor, length);
  };

  return (
    <div class="waterfall" style={{ "--tree": `${width}px` }} onWheel={onWheel}>
      <div class="waterfall-grid" aria-hidden="true">
        {ticks(from, to).map((at) => (
          <i key={at} style={{ left: `${(100 * (at - from)) / (to - from)}%` }} />
        ))}
      </div>
      <VirtualList
        label={`${noun}s`}
        role="treegrid"
        count={rows.length}
        rowHeight={ROW}
        active={cursor}
        rowId={(index) => `row-${rows[index]?.key}`}
        scroller={props.scroller}
        head={<Head from={from} to={to} length={length} noun={noun} />}
        row={(index) => {
          const row = rows[index] as Row;
          const node = row.kind === "span" ? row.node : undefined;
          const hit =
            !hits ||
            (node
              ? hits.has(node.index)
              : (row as { nodes: Node[] }).nodes.some((each) => hits.has(each.index)));
          return (
            <WaterfallRow
              key={row.key}
              row={row}
              index={index}
              nodes={nodes}
              from={from}
              to={to}
              logs={(node && logsBySpan.get(node.span.span_id)) ?? NO_LOGS}
              selected={cursor === index}
              opened={node !== undefined && opened === node.span.span_id}
              marks={marks}
              faint={!hit}
              onPick={onPick}
              onFold={onFold}
            />
          );
        }}
      />
    </div>
  );
}

interface HeadProps {
  from: number;
  to: number;
  length: number;
  noun: string;
}

function Head({ from, to, length, noun }: HeadProps) {
  const brush = useSignal<[number, number] | null>(null);
  const axis = useRef<HTMLSpanElement>(null);
  const divide = (event: PointerEvent) => {
    const handle = event.currentTarget as HTMLElement;
    const left = handle.parentElement?.getBoundingClientRect().left ?? 0;
    handle.setPointerCapture(event.pointerId);
    const move = (at: PointerEvent) => {
      treeWidth.value = String(
        Math.max(NARROWEST, Math.min(window.innerWidth - 320, Math.round(at.clientX - left))),
      );
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", move), {
      once: true,
    });
  };
  const drag = (event: PointerEvent) => {
    const element = axis.current;
    if (!element || event.button !== 0) return;
    const bounds = element.getBoundingClientRect();
    const part = (x: number) => Math.max(0, Math.min(1, (x - bounds.left) / bounds.width));
    const start = part(event.clientX);
    element.setPointerCapture(event.pointerId);
    const move = (at: PointerEvent) => {
      const end = part(at.clientX);
      brush.value = [Math.min(start, end), Math.max(start, end)];
    };
    const up = () => {
      element.removeEventListener("pointermove", move);
      const chosen = brush.value;
      brush.value = null;
      if (chosen && chosen[1] - chosen[0] > 0.005)
        setZoom(from + chosen[0] * (to - from), from + chosen[1] * (to - from), length);
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up, { once: true });
  };
  const chosen = brush.value;
  return (
    <div class="waterfall-row waterfall-head" role="row">
      <span class="waterfall-name" role="columnheader">
        {noun}
      </span>
      <i class="waterfall-divider" onPointerDown={divide} />
      <span
        ref={axis}
        class="waterfall-time waterfall-axis"
        role="columnheader"
        title="Drag to zoom, double-click for all, Ctrl and wheel for closer"
        onPointerDown={drag}
        onDblClick={() => setZoom(0, length, length)}
      >
        <span class="unseen">Time</span>
        {ticks(from, to).map((at) => {
          const left = (100 * (at - from)) / (to - from);
          return (
            <span key={at} class={left > 92 ? "axis-tick last" : "axis-tick"} style={{ left: `${left}%` }}>
              {at === 0 ? "0" : duration(Number(at.toPrecision(6))).replace(/\.0+ /, " ")}
            </span>
          );
        })}
        {chosen && (
          <i
            class="axis-brush"
            style={{ left: `${chosen[0] * 100}%`, width: `${(chosen[1] - chosen[0]) * 100}%` }}
          />
        )}
      </span>
    </div>
  );
}
