import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { get } from "../../api/client";
import type { Trace as Answer, TraceLog } from "../../api/types";
import { Empty, Failed, Late, Skeleton } from "../../components/States";
import type { Scroller } from "../../components/VirtualList";
import { useKeys, walking } from "../../state/keyboard";
import { link, path, unescaped } from "../../state/location";
import { useResource } from "../../state/resource";
import { Head } from "./Head";
import { Minimap } from "./Minimap";
import { build, type Folds, matches, revealed, rows as rowsOf, spanKey } from "./model";
import { logsOf, SpanDetail } from "./SpanDetail";
import { needle, select, selected, setZoom, zoom } from "./view";
import { Waterfall } from "./Waterfall";
import "./trace.css";

export default function TracePage() {
  const id = unescaped(path.value.slice("/traces/".length));
  const answer = useResource(id, (signal) => get<Answer>(`/v1/traces/${encodeURIComponent(id)}`, signal));
  const trace = answer.data.value;
  const failure = answer.failure.value;
  if (failure?.status === 404) {
    return (
      <Empty title="No such trace">
        <p>Nothing is stored under this id: it was sampled out, is past retention, or has not come in yet.</p>
        <p>
          <code>{id}</code>
        </p>
        <p class="row">
          <button type="button" class="button" onClick={answer.retry}>
            Look again
          </button>
          <a class="button" href={link("/traces")}>
            All traces
          </a>
        </p>
      </Empty>
    );
  }
  if (failure) return <Failed failure={failure} retry={answer.retry} />;
  if (!trace || trace.trace_id !== id)
    return <div class="trace">{answer.slow.value && <Skeleton rows={24} />}</div>;
  if (trace.spans.length === 0) {
    return (
      <Empty title="Only logs carry this trace">
        <p>
          <a class="button" href={logsOf(trace, `trace:${trace.trace_id}`)}>
            Show its logs
          </a>
        </p>
      </Empty>
    );
  }
  return (
    <>
      <Late on={answer.slow.value} />
      <Shown key={id} trace={trace} />
    </>
  );
}

const NOTHING_FOLDED: Folds = { closed: new Set(), unfolded: new Set() };

function Shown({ trace }: { trace: Answer }) {
  const nodes = useMemo(() => build(trace), [trace]);
  const folds = useSignal<Folds>(NOTHING_FOLDED);
  const cursor = useSignal(-1);
  const hit = useSignal(0);
  const scroller = useRef<Scroller | null>(null);
  const rows = useMemo(() => rowsOf(nodes, folds.value), [nodes, folds.value]);
  const logsBySpan = useMemo(() => bySpan(trace.logs), [trace]);
  const sought = needle.value.trim();
  const hits = useMemo(
    () =>
      sought === ""
        ? undefined
        : nodes.filter((node) => matches(node.span, sought)).map((node) => node.index),
    [nodes, sought],
  );
  const hitSet = useMemo(() => (hits ? new Set(hits) : undefined), [hits]);
  const marks = useMemo(() => (sought === "" ? [] : [sought]), [sought]);
  const open = nodes.find((node) => node.span.span_id === selected.value);
  const length = Math.max(trace.duration_ms, 1e-6);
  const [from, to] = zoom.value ?? [0, length];

  /** Shows a span's row, unfolding what hides it. */
  const reveal = (index: number) => {
    const node = nodes[index];
    if (!node) return;
    const key = spanKey(node);
    let at = rows.findIndex((row) => row.key === key);
    if (at < 0) {
      folds.value = revealed(nodes, index, folds.value);
      at = rowsOf(nodes, folds.value).findIndex((row) => row.key === key);
    }
    cursor.value = at;
    requestAnimationFrame(() => scroller.current?.reveal(at));
  };
  useEffect(() => {
    if (open) reveal(open.index);
  }, [open?.index]);

  const fold = (index: number, to?: boolean) => {
    const row = rows[index];
    if (!row || row.open === to || (row.kind === "span" && row.node.children.length === 0)) return;
    const name = row.kind === "span" ? "closed" : "unfolded";
    const next = new Set(folds.value[name]);
    if (next.has(row.key)) next.delete(row.key);
    else next.add(row.key);
    folds.value = { ...folds.value, [name]: next };
  };
  const pick = (index: number) => {
    const row = rows[index];
    cursor.value = index;
    if (row?.kind === "repeat") fold(index);
    else if (row) select(row.node.span.span_id);
  };
  const step = (by: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, cursor.value + by));
    cursor.value = next;
    scroller.current?.reveal(next);
    const row = rows[next];
    if (open && row?.kind === "span") select(row.node.span.span_id);
  };
  const jump = (by: number) => {
    if (!hits || hits.length === 0) return;
    hit.value = (hit.value + by + hits.length) % hits.length;
    reveal(hits[hit.value] as number);
  };
  const zoomTo = () => {
    const row = rows[cursor.value];
    if (row?.kind !== "span") return;
    const { start_ms, duration_ms } = row.node.span;
    setZoom(start_ms - duration_ms * 0.02, start_ms + duration_ms * 1.02, length);
  };
  useKeys({
    ...walking(step, () => (cursor.value >= 0 ? pick(cursor.value) : false)),
    ArrowLeft: () => fold(cursor.value, false),
    ArrowRight: () => fold(cursor.value, true),
    z: zoomTo,
    "0": () => setZoom(0, length, length),
    n: () => jump(1),
    N: () => jump(-1),
  });

  return (
    <div class="split">
      <div class="trace">
        <Head
          trace={trace}
          hits={hits?.length}
          hit={hit.value}
          jump={jump}
          onSearch={() => {
            hit.value = -1;
          }}
        />
        <Minimap trace={trace} from={from} to={to} />
        <Waterfall
          trace={trace}
          nodes={nodes}
          rows={rows}
          logsBySpan={logsBySpan}
          hits={hitSet}
          marks={marks}
          cursor={cursor.value}
          opened={selected.value}
          scroller={scroller}
          onPick={pick}
          onFold={fold}
        />
      </div>
      {open && (
        <SpanDetail
          trace={trace}
          span={open.span}
          logs={logsBySpan.get(open.span.span_id) ?? []}
          close={() => select(null)}
          previous={cursor.value > 0 ? () => step(-1) : undefined}
          next={cursor.value < rows.length - 1 ? () => step(1) : undefined}
        />
      )}
    </div>
  );
}

function bySpan(logs: TraceLog[]): Map<string, TraceLog[]> {
  const found = new Map<string, TraceLog[]>();
  for (const log of logs) {
    if (!log.span_id) continue;
    const list = found.get(log.span_id);
    if (list) list.push(log);
    else found.set(log.span_id, [log]);
  }
  return found;
}
