import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { post } from "../../api/client";
import type { TracePage, TraceRow } from "../../api/types";
import { Elsewhere } from "../../components/Elsewhere";
import { PagedList } from "../../components/PagedList";
import { QueryBar } from "../../components/QueryBar";
import { Command, Empty } from "../../components/States";
import type { Scroller } from "../../components/VirtualList";
import { useKeys, walking } from "../../state/keyboard";
import { link, navigate, update } from "../../state/location";
import { type Fetch, Paged } from "../../state/paged";
import { zone } from "../../state/preferences";
import { instant, range } from "../../state/range";
import { serviceRows } from "../../state/server";
import { words } from "../../text/query";
import { Charts } from "./Charts";
import { loadSpanFields, spanValues } from "./fields";
import { failedOnly, filter, filterKey, narrowed, orderBy, query } from "./filter";
import { Lengths } from "./Lengths";
import { TraceLine } from "./TraceLine";
import "./traces.css";

const ROW = 28;
const DAY_MS = 86_400_000;
/** When there are no more traces than this, the chart shows a dot for each. */
const DOTS = 1000;
const NO_DOTS: TraceRow[] = [];

function fetchTraces(): Fetch<TraceRow> {
  const asked = filter.peek();
  const order = orderBy.peek();
  return async (cursor, limit, signal) => {
    const body = { ...asked, order_by: order, limit, ...(cursor ? { cursor } : {}) };
    const page = await post<TracePage>("/v1/traces/search", body, signal);
    return { rows: page.traces, total: page.total, next: page.next };
  };
}

export default function Traces() {
  const paged = useMemo(() => new Paged<TraceRow>(1000), []);
  const cursor = useSignal(-1);
  const scroller = useRef<Scroller | null>(null);

  useEffect(() => {
    void paged.restart(fetchTraces()).then(() => {
      cursor.value = -1;
      scroller.current?.toTop();
    });
  }, [filterKey.value, orderBy.value]);
  useEffect(() => () => paged.stop(), [paged]);

  const open = (trace: TraceRow | undefined) => {
    if (trace) navigate(link(`/traces/${encodeURIComponent(trace.trace_id)}`));
  };
  const step = (by: number) => {
    const count = paged.count.peek();
    if (count === 0) return false;
    cursor.value = Math.max(0, Math.min(count - 1, cursor.peek() + by));
    scroller.current?.reveal(cursor.peek());
    return true;
  };
  useKeys({
    ...walking(step, () => (cursor.peek() >= 0 ? open(paged.at(cursor.peek())) : false)),
  });
  const dots = useComputed(() => {
    const count = Math.min(DOTS, paged.count.value);
    if (count < (paged.total.value ?? 0)) return NO_DOTS;
    return Array.from({ length: count }, (_, at) => paged.at(at)).filter(
      (row): row is TraceRow => row !== undefined,
    );
  });

  return (
    <div class="traces">
      <div class="logs-top">
        <QueryBar
          query={query.value}
          onAsk={(q) => update({ q })}
          placeholder="Name of the trace, or attributes.http.route:/books status:ERROR …"
          fields={loadSpanFields}
          values={spanValues}
          valuesKey=""
        />
        <button
          type="button"
          class="button"
          aria-pressed={failedOnly.value}
          onClick={() => update({ status: failedOnly.value ? null : "ERROR" })}
        >
          Failed only
        </button>
        <Lengths />
      </div>
      <Charts total={paged.total.value} rows={dots.value} open={open} />
      <List paged={paged} cursor={cursor} scroller={scroller} open={open} />
    </div>
  );
}

interface ListProps {
  paged: Paged<TraceRow>;
  cursor: { value: number };
  scroller: { current: Scroller | null };
  open: (trace: TraceRow | undefined) => void;
}

function List({ paged, cursor, scroller, open }: ListProps) {
  const openAt = useMemo(() => (index: number) => open(paged.at(index)), [paged]);
  const marks = useComputed(() => words(query.value));
  const days = instant(range.value.to) - instant(range.value.from) > DAY_MS / 2;
  const count = paged.count.value;
  const longest = Math.max(
    1e-6,
    ...Array.from({ length: Math.min(count, 200) }, (_, at) => paged.at(at)?.duration_ms ?? 0),
  );
  const template = `${days ? 136 : 92}px 18px 140px minmax(140px, 1fr) minmax(170px, 1fr) 84px 56px 56px`;
  return (
    <PagedList
      paged={paged}
      label="Traces"
      kind="trace"
      id={(trace) => trace.trace_id}
      rowHeight={ROW}
      columns={template}
      bones={20}
      cursor={cursor}
      scroller={scroller}
      head={<Head />}
      nothing={<Nothing />}
      row={(trace, index) => (
        <TraceLine
          key={trace.trace_id}
          trace={trace}
          index={index}
          selected={cursor.value === index}
          longest={longest}
          zone={zone.value}
          days={days}
          marks={marks.value}
          onOpen={openAt}
        />
      )}
    />
  );
}

function Head() {
  const order = orderBy.value;
  return (
    <div class="line line-head" role="row">
      <span role="columnheader" aria-sort={order === "start_time" ? "descending" : "none"}>
        <button type="button" class="sort" onClick={() => update({ sort: null })}>
          Started {order === "start_time" && "↓"}
        </button>
      </span>
      <span role="columnheader">
        <span class="unseen">Status</span>
      </span>
      <span role="columnheader">Service</span>
      <span role="columnheader">Name</span>
      <span role="columnheader" aria-sort={order === "duration_ms" ? "descending" : "none"}>
        <button type="button" class="sort" onClick={() => update({ sort: "duration" })}>
          Duration {order === "duration_ms" && "↓"}
        </button>
      </span>
      <span role="columnheader">Services</span>
      <span role="columnheader" class="number">
        Spans
      </span>
      <span role="columnheader" class="number">
        Errors
      </span>
    </div>
  );
}

function Nothing() {
  if (serviceRows.value?.every((row) => row.spans === 0)) {
    return (
      <Empty title="No traces yet">
        <p>Requests of an application that runs under Plainview show here as traces:</p>
        <Command text="plainview run -- uvicorn app:app" />
        <p>Or look at a made-up content studio:</p>
        <Command text="plainview demo" />
      </Empty>
    );
  }
  return (
    <Empty title="No traces match">
      <Elsewhere />
      {narrowed.value && (
        <button
          type="button"
          class="button"
          onClick={() => update({ q: null, status: null, min: null, max: null })}
        >
          Clear the filters
        </button>
      )}
    </Empty>
  );
}
