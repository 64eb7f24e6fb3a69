import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { RunDetail } from "../../api/runs";
import { operationUrl } from "../../components/doors";
import type { TraceLog } from "../../api/types";
import { Icon } from "../../components/Icon";
import type { Scroller } from "../../components/VirtualList";
import { useKeys, walking } from "../../state/keyboard";
import { navigate } from "../../state/location";
import { treeWidth } from "../../state/preferences";
import { duration, plural } from "../../text/format";
import { build, type Folds, type Node, rows as rowsOf } from "../trace/model";
import { setZoom, zoom } from "../trace/view";
import { Waterfall } from "../trace/Waterfall";
import { Resources } from "./Resources";
import { asTrace } from "./timeline";
import "../trace/trace.css";

const ROW = 24;
const HEAD = 26;
const MOST_ROWS = 12;
/** Right of the tree and left of the edge, as the waterfall has it. */
const LEFT = 8;
const RIGHT = 14;
const NOTHING_FOLDED: Folds = { closed: new Set(), unfolded: new Set() };
const NO_LOGS = new Map<string, TraceLog[]>();
const NO_MARKS: string[] = [];

/** What happened when, and what it used meanwhile, over one time. */
export function Timeline({ detail }: { detail: RunDetail }) {
  const { run, timeline, resources } = detail;
  const start = Date.parse(run.started_at);
  const length = Math.max(1e-6, run.duration_ms ?? Date.parse(run.last_seen) - start);
  const trace = useMemo(() => asTrace(timeline, start, length), [timeline, start, length]);
  const nodes = useMemo(() => build(trace), [trace]);
  const folds = useSignal<Folds>(NOTHING_FOLDED);
  const cursor = useSignal(-1);
  const pointed = useSignal<number | null>(null);
  const scroller = useRef<Scroller | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsOf(nodes, folds.value), [nodes, folds.value]);
  const [from, to] = zoom.value ?? [0, length];
  // What failed first is in sight, the innermost of those that ended with it.
  const fault = rows.findIndex(
    (row) => row.kind === "span" && row.node.span.status === "ERROR" && !failsWithin(nodes, row.node),
  );
  useEffect(() => {
    if (fault >= MOST_ROWS) scroller.current?.reveal(Math.min(rows.length - 1, fault + 2));
  }, [run.run_id]);

  const fold = (index: number, open?: boolean) => {
    const row = rows[index];
    if (!row || row.open === open || (row.kind === "span" && row.node.children.length === 0)) return false;
    const name = row.kind === "span" ? "closed" : "unfolded";
    const next = new Set(folds.value[name]);
    if (!next.delete(row.key)) next.add(row.key);
    folds.value = { ...folds.value, [name]: next };
    return true;
  };
  const pick = (index: number) => {
    const row = rows[index];
    cursor.value = index;
    if (row?.kind === "repeat") fold(index);
    else if (row) navigate(operationUrl(row.node.span.span_id));
  };
  const step = (by: number) => {
    if (rows.length === 0) return false;
    cursor.value = Math.max(0, Math.min(rows.length - 1, cursor.value + by));
    scroller.current?.reveal(cursor.value);
    return true;
  };
  useKeys({
    ...walking(step, () => (cursor.value >= 0 ? pick(cursor.value) : false)),
    ArrowLeft: () => fold(cursor.value, false),
    ArrowRight: () => fold(cursor.value, true),
    "0": () => setZoom(0, length, length),
  });

  const tree = Number(treeWidth.value);
  const point = (event: PointerEvent) => {
    const bounds = box.current?.getBoundingClientRect();
    if (!bounds) return;
    const left = event.clientX - bounds.left - tree - LEFT;
    const width = bounds.width - tree - LEFT - RIGHT;
    pointed.value = left >= 0 && left <= width ? left / width : null;
  };
  const part = pointed.value;
  return (
    <section class="run-part run-timeline" aria-labelledby="run-timeline">
      <h2 id="run-timeline" class="row">
        <span>Time line</span>
        <span class="dim">{plural(timeline.length, "operation")}</span>
        <span class="grow" />
        {part !== null && <span class="dim">{duration(from + part * (to - from))} after the start</span>}
        {zoom.value && (
          <button type="button" class="button small" onClick={() => setZoom(0, length, length)}>
            <Icon name="zoomOut" size={14} /> Show all <kbd>0</kbd>
          </button>
        )}
      </h2>
      <div
        ref={box}
        class="timeline-box"
        style={{ "--tree": `${tree}px` }}
        onPointerMove={point}
        onPointerLeave={() => {
          pointed.value = null;
        }}
      >
        {rows.length === 0 ? (
          <p class="dim run-none">
            No operations inside: a <code>plainview.stage(…)</code> or <code>plainview.engine(…)</code> would
            show here.
          </p>
        ) : (
          <div
            class="timeline-rows"
            style={{ height: `${HEAD + 2 + ROW * Math.min(MOST_ROWS, rows.length)}px` }}
          >
            <Waterfall
              trace={trace}
              nodes={nodes}
              rows={rows}
              logsBySpan={NO_LOGS}
              hits={undefined}
              marks={NO_MARKS}
              cursor={cursor.value}
              opened=""
              scroller={scroller}
              onPick={pick}
              onFold={fold}
              noun="Operation"
            />
          </div>
        )}
        <Resources samples={resources} start={start} length={length} />
        {part !== null && (
          <i
            class="timeline-hair"
            style={{ left: `calc(${tree + LEFT}px + (100% - ${tree + LEFT + RIGHT}px) * ${part})` }}
            aria-hidden="true"
          />
        )}
      </div>
    </section>
  );
}

/** Whether a part of an operation failed. */
function failsWithin(nodes: Node[], node: Node): boolean {
  return node.children.some((child) => nodes[child]?.span.status === "ERROR");
}
