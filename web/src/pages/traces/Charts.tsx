import { useComputed } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type uPlot from "uplot";
import type { AlignedData } from "uplot";
import { post } from "../../api/client";
import type { TraceHistogram, TraceRow } from "../../api/types";
import { type Brushed, bars, Chart, type Colour, timeAxis, valueAxis } from "../../components/Chart";
import { Late } from "../../components/States";
import { zone } from "../../state/preferences";
import { between, setRange } from "../../state/range";
import { useResource } from "../../state/resource";
import { clock, count, duration, plural, step } from "../../text/format";
import { filter, filterKey, longest, setLengths, shortest } from "./filter";

const BUCKETS = 90;
const HEIGHT = 116;

interface Props {
  total: number | undefined;
  /** The traces that the list has loaded, drawn as dots. */
  rows: TraceRow[];
  open: (trace: TraceRow) => void;
}

/** How many traces when, and how long they took; dragging over either narrows the list. */
export function Charts({ total, rows, open }: Props) {
  const answer = useResource(filterKey.value, (signal) =>
    post<TraceHistogram>("/v1/traces/histogram", { ...filter.value, buckets: BUCKETS }, signal),
  );
  const found = answer.data.value;
  const dots = useMemo(() => toDots(rows), [rows]);
  const shown = useRef<Shown>({ dots, open });
  shown.current = { dots, open };
  const counts = useComputed<AlignedData | undefined>(
    () => answer.data.value && countData(answer.data.value),
  );
  const times = useComputed<AlignedData | undefined>(
    () => answer.data.value && durationData(answer.data.value),
  );
  if (!found || !counts.value || !times.value) {
    return (
      <div class="charts">
        <Late on={answer.slow.value} />
        <div class="chart-card">
          {answer.failure.value && <p class="dim">{answer.failure.value.message}</p>}
        </div>
        <div class="chart-card" />
      </div>
    );
  }
  const failed = found.buckets.reduce((sum, bucket) => sum + bucket.errors, 0);
  return (
    <div class="charts">
      <Late on={answer.slow.value} />
      <section class="chart-card" aria-label="Traces over time">
        <header class="row">
          <b>{total === undefined ? "…" : plural(total, "trace")}</b>
          <span class={failed > 0 ? "failed-count" : "dim"}>
            <i class="swatch fill-error" /> {count(failed)} failed
          </span>
          <span class="grow" />
          <span class="dim">{step(found.width_ms)} a bar</span>
        </header>
        <Chart
          label={`${total ?? 0} traces over time, ${failed} failed`}
          height={HEIGHT}
          data={counts.value}
          range={ends(found)}
          options={countOptions}
          onBrush={({ x }) => setRange(between(x[0] * 1000, x[1] * 1000))}
          tip={(index) => <Tip answer={found} index={index} />}
        />
      </section>
      <section class="chart-card" aria-label="Duration over time">
        <header class="row">
          <b>Duration</b>
          <span class="dim">
            <i class="swatch line-p50" /> p50 <i class="swatch line-p95" /> p95
            {rows.length > 0 && (
              <>
                {" "}
                · a dot for each trace, <b class="failed-count">×</b> failed
              </>
            )}
          </span>
        </header>
        <Chart
          label="Median and 95th percentile of the duration over time"
          height={HEIGHT}
          data={times.value}
          range={ends(found)}
          drawn={dots}
          options={(colour) => durationOptions(colour, () => shown.current)}
          box
          onBrush={brushDuration}
          tip={(index) => <Tip answer={found} index={index} />}
        />
      </section>
    </div>
  );
}

function brushDuration({ x, y }: Brushed): void {
  const range = between(x[0] * 1000, x[1] * 1000);
  const times = { from: range.from, to: range.to };
  if (Number.isFinite(y[0])) setLengths(10 ** y[0], 10 ** y[1], times);
  else setLengths(shortest.value, longest.value, times);
}

function Tip({ answer, index }: { answer: TraceHistogram; index: number }) {
  const bucket = answer.buckets[index];
  if (!bucket) return null;
  const start = Date.parse(bucket.time);
  return (
    <>
      <b>
        {clock(start, zone.value).slice(0, 8)} – {clock(start + answer.width_ms, zone.value).slice(0, 8)}
      </b>
      <span>{plural(bucket.count, "trace")}</span>
      {bucket.errors > 0 && <span>{count(bucket.errors)} failed</span>}
      {bucket.p50_ms !== null && <span>p50 {duration(bucket.p50_ms)}</span>}
      {bucket.p95_ms !== null && <span>p95 {duration(bucket.p95_ms)}</span>}
    </>
  );
}

function seconds(answer: TraceHistogram): number[] {
  return answer.buckets.map((bucket) => Date.parse(bucket.time) / 1000);
}

function countData(answer: TraceHistogram): AlignedData {
  return [
    seconds(answer),
    answer.buckets.map((bucket) => bucket.count),
    answer.buckets.map((bucket) => bucket.errors),
  ];
}

function countOptions(colour: Colour): Omit<uPlot.Options, "width" | "height"> {
  return {
    padding: [6, 24, 0, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] } },
    axes: [timeAxis(colour), valueAxis(colour, "count")],
    cursor: { sync: { key: "time" } },
    series: [{}, bars(colour("ok-fill")), bars(colour("error-fill"))],
  };
}

function ends(answer: TraceHistogram): [number, number] {
  return [Date.parse(answer.start) / 1000, Date.parse(answer.end) / 1000];
}

/** Durations span many orders of magnitude: the axis counts tens. */
function tens(ms: number | null): number | null {
  return ms === null ? null : Math.log10(Math.max(ms, 0.001));
}

function durationData(answer: TraceHistogram): AlignedData {
  const half = answer.width_ms / 2000;
  return [
    seconds(answer).map((time) => time + half),
    answer.buckets.map((bucket) => tens(bucket.p50_ms)),
    answer.buckets.map((bucket) => tens(bucket.p95_ms)),
  ];
}

/** What lies on the chart of durations besides its lines, and what a click on it does. */
interface Shown {
  dots: Dot[];
  open: (trace: TraceRow) => void;
}

function toDots(rows: TraceRow[]): Dot[] {
  return rows.map((row) => ({
    row,
    x: Date.parse(row.start_time) / 1000,
    y: tens(row.duration_ms) as number,
  }));
}

function durationOptions(colour: Colour, shown: () => Shown): Omit<uPlot.Options, "width" | "height"> {
  return {
    padding: [6, 24, 0, 0],
    scales: {
      y: {
        range: (_, least, most) => {
          const known = shown().dots.map((dot) => dot.y);
          const low = Math.floor(Math.min(least ?? 0, ...known));
          return [low, Math.max(low + 1, Math.ceil(Math.max(most ?? 1, ...known)))];
        },
      },
    },
    axes: [
      timeAxis(colour),
      {
        ...valueAxis(colour, "ms"),
        splits: (_, __, low, high) =>
          Array.from({ length: Math.round(high - low) + 1 }, (___, at) => low + at),
        values: (_, splits) => splits.map(powerOfTen),
      },
    ],
    cursor: { sync: { key: "time" } },
    series: [
      {},
      { stroke: colour("info"), width: 1.5, points: { show: false }, spanGaps: false },
      { stroke: colour("warning"), width: 1.5, dash: [4, 3], points: { show: false }, spanGaps: false },
    ],
    hooks: {
      draw: [(chart) => drawDots(chart, shown().dots, colour)],
      ready: [
        (chart) => {
          chart.over.addEventListener("click", (event) => {
            const near = nearest(chart, shown().dots, event.offsetX, event.offsetY);
            if (near) shown().open(near);
          });
        },
      ],
    },
  };
}

/** 10 to that power in ms: `10 µs`, `1 ms`, `100 ms`, `10 s`. */
function powerOfTen(power: number): string {
  if (power < 0) return `${10 ** (power + 3)} µs`;
  return power < 3 ? `${10 ** power} ms` : `${10 ** (power - 3)} s`;
}

interface Dot {
  row: TraceRow;
  x: number;
  y: number;
}

const REACH_PX = 7;

function nearest(chart: uPlot, dots: Dot[], left: number, top: number): TraceRow | undefined {
  let best: { row: TraceRow; away: number } | undefined;
  for (const { row, x, y } of dots) {
    const away = Math.hypot(chart.valToPos(x, "x") - left, chart.valToPos(y, "y") - top);
    if (away < REACH_PX && (!best || away < best.away)) best = { row, away };
  }
  return best?.row;
}

/** A dot for each trace; a failed one is a cross, so that it shows without its colour. */
function drawDots(chart: uPlot, dots: Dot[], colour: Colour): void {
  const { ctx } = chart;
  const unit = devicePixelRatio;
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineWidth = 1.6 * unit;
  ctx.fillStyle = colour("accent");
  ctx.strokeStyle = colour("error");
  for (const { row, x, y } of dots) {
    const left = chart.valToPos(x, "x", true);
    const top = chart.valToPos(y, "y", true);
    ctx.beginPath();
    if (row.status === "ERROR") {
      const arm = 3 * unit;
      ctx.moveTo(left - arm, top - arm);
      ctx.lineTo(left + arm, top + arm);
      ctx.moveTo(left + arm, top - arm);
      ctx.lineTo(left - arm, top + arm);
      ctx.stroke();
    } else {
      ctx.globalAlpha = 0.5;
      ctx.arc(left, top, 2 * unit, 0, 2 * Math.PI);
      ctx.fill();
      ctx.globalAlpha = 1;
    }
  }
  ctx.restore();
}
