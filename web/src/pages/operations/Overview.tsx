import { useMemo } from "preact/hooks";
import type uPlot from "uplot";
import type { AlignedData } from "uplot";
import { STATUSES, type Summary } from "../../api/operations";
import { bars, Chart, type Colour, timeAxis, valueAxis } from "../../components/Chart";
import { STATUS_SIGNS } from "../../components/OperationStatus";
import { Late } from "../../components/States";
import { zone } from "../../state/preferences";
import { between, setRange } from "../../state/range";
import type { Resource } from "../../state/resource";
import { clock, count, day } from "../../text/format";
import { throughput } from "../../text/reached";
import { page, statuses, toggleStatus } from "./filter";

const HEIGHT = 112;
const DAY_MS = 86_400_000;

/** How many of each status, how many an hour, and when they ended. */
export function Overview({ answer }: { answer: Resource<Summary> }) {
  const found = answer.data.value;
  const data = useMemo(() => found && stacked(found), [found]);
  const total = Object.values(found?.by_status ?? {}).reduce((sum, each) => sum + each, 0);
  const first = found?.over_time[0];
  const last = found?.over_time.at(-1);
  return (
    <section class="overview" aria-label="Over time">
      <Late on={answer.slow.value} />
      <div class="overview-counts">
        <p>
          <b class="overview-total">{found ? `${count(total)} in all` : "…"}</b>{" "}
          <span class="dim">{found && throughput(found.throughput_per_hour)}</span>
        </p>
        <div class="overview-statuses" role="group" aria-label="Status">
          {STATUSES.map((status) => (
            <button
              key={status}
              type="button"
              class={`overview-status operation-status operation-${status}`}
              aria-pressed={statuses.value.includes(status)}
              title={`Only those that are ${STATUS_SIGNS[status].says}`}
              onClick={() => toggleStatus(status)}
            >
              <i aria-hidden="true">{STATUS_SIGNS[status].sign}</i>
              <span class="grow">{STATUS_SIGNS[status].says}</span>
              <b>{found ? count(found.by_status[status] ?? 0) : ""}</b>
            </button>
          ))}
        </div>
      </div>
      <div class="overview-plot">
        {found && data && first && last ? (
          <Chart
            label={`${page.value.title} that ended, over time: ${sums(found)}`}
            height={HEIGHT}
            data={data}
            range={[Date.parse(first.start) / 1000, Date.parse(last.end) / 1000]}
            options={options}
            onBrush={({ x }) => setRange(between(x[0] * 1000, x[1] * 1000))}
            tip={(index) => <Tip answer={found} index={index} />}
          />
        ) : (
          answer.failure.value && !found && <p class="dim">{answer.failure.value.message}</p>
        )}
      </div>
    </section>
  );
}

function sums(answer: Summary): string {
  const of = (part: "completed" | "failed" | "other") =>
    answer.over_time.reduce((sum, bucket) => sum + bucket[part], 0);
  return `${of("completed")} completed, ${of("failed")} failed, ${of("other")} otherwise`;
}

/** Each layer holds those below it, too: they are drawn from the tallest down. */
function stacked(answer: Summary): AlignedData {
  const buckets = answer.over_time;
  return [
    buckets.map((bucket) => Date.parse(bucket.start) / 1000),
    buckets.map((bucket) => bucket.completed + bucket.other + bucket.failed),
    buckets.map((bucket) => bucket.other + bucket.failed),
    buckets.map((bucket) => bucket.failed),
  ];
}

function options(colour: Colour): Omit<uPlot.Options, "width" | "height"> {
  return {
    padding: [6, 16, 0, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] } },
    axes: [timeAxis(colour), valueAxis(colour, "count")],
    series: [{}, ...["ok-fill", "warning-fill", "error-fill"].map((token) => bars(colour(token)))],
  };
}

const LAYERS = [
  ["completed", "ok"],
  ["other", "warning"],
  ["failed", "error"],
] as const;

function Tip({ answer, index }: { answer: Summary; index: number }) {
  const bucket = answer.over_time[index];
  if (!bucket) return null;
  const long = Date.parse(bucket.end) - Date.parse(bucket.start) >= DAY_MS / 24;
  const show = (time: string) =>
    `${long ? `${day(time, zone.value)} ` : ""}${clock(time, zone.value).slice(0, 8)}`;
  return (
    <>
      <b>
        {show(bucket.start)} – {show(bucket.end)}
      </b>
      {LAYERS.map(([part, fill]) => (
        <span key={part} class="row">
          <i class={`swatch fill-${fill}`} />
          <span class="grow">{part === "other" ? "ended otherwise" : part}</span>
          {count(bucket[part])}
        </span>
      ))}
      <span class="row">
        <span class="grow">started</span>
        {count(bucket.started)}
      </span>
    </>
  );
}
