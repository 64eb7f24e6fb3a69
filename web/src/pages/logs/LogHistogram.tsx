import { useComputed } from "@preact/signals";
import type uPlot from "uplot";
import type { AlignedData } from "uplot";
import { post } from "../../api/client";
import { type LogHistogram as Answer, LEVELS, type Level as LevelName } from "../../api/types";
import { bars, Chart, type Colour, timeAxis, valueAxis } from "../../components/Chart";
import { Late } from "../../components/States";
import { zone } from "../../state/preferences";
import { between, setRange } from "../../state/range";
import { useResource } from "../../state/resource";
import { clock, count, plural, step } from "../../text/format";
import { chosen } from "../../text/query";
import { countsKey, filter, pick, query } from "./filter";

const BUCKETS = 120;
const HEIGHT = 92;

/** Share of the highest bar that even a single error gets, so that it is seen. */
const LEAST_SHOWN = 0.03;
const NEVER_LOST = new Set<LevelName>(["CRITICAL", "ERROR"]);

/** Sums from the most severe level up, so that errors stand on the ground line; drawn from the highest sum down. */
function stacked(answer: Answer): AlignedData {
  const wholes = answer.buckets.map((bucket) =>
    LEVELS.reduce((sum, level) => sum + (bucket.counts[level] ?? 0), 0),
  );
  const least = Math.max(...wholes) * LEAST_SHOWN;
  const times = answer.buckets.map((bucket) => Date.parse(bucket.time) / 1000);
  const sums: number[][] = [];
  let below = answer.buckets.map(() => 0);
  for (const level of LEVELS) {
    below = answer.buckets.map((bucket, at) => {
      const found = bucket.counts[level] ?? 0;
      return (below[at] as number) + (found > 0 && NEVER_LOST.has(level) ? Math.max(found, least) : found);
    });
    sums.push(below);
  }
  return [times, ...sums.reverse()];
}

function options(colour: Colour): Omit<uPlot.Options, "width" | "height"> {
  return {
    padding: [6, 24, 0, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] } },
    axes: [timeAxis(colour), valueAxis(colour, "count")],
    cursor: { sync: { key: "time" }, x: true },
    series: [{}, ...[...LEVELS].reverse().map((level) => bars(colour(`${level.toLowerCase()}-fill`)))],
  };
}

/** How many lines when, by level; drag over it to zoom. */
export function LogHistogram({ total }: { total: number | undefined }) {
  const answer = useResource(countsKey.value, (signal) =>
    post<Answer>("/v1/logs/histogram", { ...filter.value, buckets: BUCKETS }, signal),
  );
  const data = useComputed(() => (answer.data.value ? stacked(answer.data.value) : undefined));
  const found = answer.data.value;
  const sums = Object.fromEntries(
    LEVELS.map((level) => [
      level,
      (found?.buckets ?? []).reduce((sum, bucket) => sum + (bucket.counts[level] ?? 0), 0),
    ]),
  ) as Record<LevelName, number>;
  const on = chosen(query.value, "level");

  return (
    <section class="histogram" aria-label="Lines over time">
      <header class="histogram-head">
        <b class="histogram-total">{total === undefined ? "…" : plural(total, "line")}</b>
        {LEVELS.map((level) => (
          <button
            key={level}
            type="button"
            class="histogram-level"
            aria-pressed={on.includes(level)}
            title={`Only ${level}. Alt-click: all but ${level}.`}
            onClick={(event) => pick("level", level, event.altKey)}
          >
            <i class={`swatch fill-${level.toLowerCase()}`} />
            <span class="histogram-name">{level}</span>
            <span class="histogram-letter" aria-hidden="true">
              {level[0]}
            </span>
            <span>{count(sums[level])}</span>
          </button>
        ))}
        <span class="grow" />
        {found && <span class="dim">{step(found.width_ms)} a bar</span>}
      </header>
      <div class="histogram-plot">
        <Late on={answer.slow.value} />
        {found && data.value ? (
          <Chart
            label={`Lines over time: ${LEVELS.map((level) => `${sums[level]} ${level}`).join(", ")}`}
            height={HEIGHT}
            data={data.value}
            range={[Date.parse(found.start) / 1000, Date.parse(found.end) / 1000]}
            options={options}
            onBrush={({ x: [from, to] }) => setRange(snapped(found, from * 1000, to * 1000))}
            tip={(index) => <Tip answer={found} index={index} />}
          />
        ) : (
          <div class="histogram-empty">
            {answer.failure.value && <span class="dim">{answer.failure.value.message}</span>}
          </div>
        )}
      </div>
    </section>
  );
}

/** A dragged range widened to whole bars, but not beyond the chart. */
function snapped(answer: Answer, from: number, to: number) {
  const origin = Date.parse(answer.buckets[0]?.time ?? answer.start);
  const width = answer.width_ms;
  const start = origin + Math.floor((from - origin) / width) * width;
  const end = origin + Math.ceil((to - origin) / width) * width;
  return between(Math.max(start, Date.parse(answer.start)), Math.min(end, Date.parse(answer.end)));
}

function Tip({ answer, index }: { answer: Answer; index: number }) {
  const bucket = answer.buckets[index];
  if (!bucket) return null;
  const start = Date.parse(bucket.time);
  const seen = LEVELS.filter((level) => bucket.counts[level]);
  return (
    <>
      <b>
        {clock(start, zone.value).slice(0, answer.width_ms < 1000 ? 12 : 8)} –{" "}
        {clock(start + answer.width_ms, zone.value).slice(0, answer.width_ms < 1000 ? 12 : 8)}
      </b>
      {seen.map((level) => (
        <span key={level} class="row">
          <i class={`swatch fill-${level.toLowerCase()}`} />
          <span class="grow">{level}</span>
          {count(bucket.counts[level] ?? 0)}
        </span>
      ))}
      {seen.length === 0 && <span class="dim">no lines</span>}
    </>
  );
}
