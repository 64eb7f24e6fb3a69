import { useEffect } from "preact/hooks";
import {
  type Figure,
  readTrend,
  type Run,
  type Trend,
  type TrendFigure,
  type TrendPoint,
} from "../../api/runs";
import { STATUS_SIGNS } from "../../components/OperationStatus";
import { Failed, Skeleton } from "../../components/States";
import { link } from "../../state/location";
import { useResource } from "../../state/resource";
import { ago, bytes, count, duration, short } from "../../text/format";
import { visibleString } from "../../text/visible";
import { OutOfLine } from "../runs/Marks";

const FIGURES: { figure: Figure; title: string; tell: (value: number) => string }[] = [
  { figure: "duration_ms", title: "Duration", tell: duration },
  { figure: "memory_peak_bytes", title: "Peak memory", tell: bytes },
  { figure: "rows", title: "Rows", tell: short },
];

interface Props {
  run: Run;
  /** Who the runs before and after it are, once that is known. */
  onTrend: (trend: Trend) => void;
}

/** How the last runs of its name went. */
export function Trends({ run, onTrend }: Props) {
  const answer = useResource(`${run.name}\n${run.service}\n${run.environment}\n${run.status}`, (signal) =>
    readTrend(run, signal),
  );
  const trend = answer.data.value;
  useEffect(() => {
    if (trend) onTrend(trend);
  }, [trend]);
  return (
    <section class="run-part run-trends" aria-labelledby="run-trends">
      <h2 id="run-trends">
        {!trend
          ? "The last runs of this name"
          : trend.points.length === 1
            ? "The only run of this name"
            : `The last ${count(trend.points.length)} runs of this name`}
      </h2>
      {!trend && answer.failure.value && <Failed failure={answer.failure.value} retry={answer.retry} />}
      {!trend && answer.slow.value && <Skeleton rows={5} />}
      {trend && (
        <div class="trends">
          {FIGURES.map((each, at) => (
            <Bars
              key={each.figure}
              {...each}
              points={trend.points}
              told={trend.figures.find((figure) => figure.figure === each.figure)}
              judged={trend.judged}
              here={run.run_id}
              reachable={at === 0}
            />
          ))}
        </div>
      )}
    </section>
  );
}

interface BarsProps {
  figure: Figure;
  title: string;
  tell: (value: number) => string;
  points: TrendPoint[];
  told: TrendFigure | undefined;
  /** The newest run that completed. */
  judged: string | null;
  /** The run whose page it is. */
  here: string;
  /** Whether the keyboard stops at each; one chart of the same runs is enough. */
  reachable: boolean;
}

/** One figure of each run as a bar that leads there; the newest and the one that is shown are marked. */
function Bars({ figure, title, tell, points, told, judged, here, reachable }: BarsProps) {
  const most = Math.max(0, ...points.map((point) => point[figure] ?? 0), told?.median ?? 0);
  const value = told?.newest ?? null;
  const usual = told?.median ?? null;
  const height = (of: number) => `${most > 0 ? Math.max(2, (100 * of) / most) : 2}%`;
  return (
    <figure class="trend">
      <figcaption>
        <span>{title}</span>
        <span class="row">
          <b>{value === null ? "–" : tell(value)}</b>
          {told?.out_of_line && <OutOfLine ratio={ratio(value, usual)} direction={told.direction} />}
        </span>
        <Drift drift={told?.drift} />
        <span class="dim">{usual === null ? "nothing to compare with" : `median ${tell(usual)}`}</span>
      </figcaption>
      <div class="trend-bars">
        {usual !== null && most > 0 && (
          <i class="trend-median" style={{ bottom: `${(100 * usual) / most}%` }} aria-hidden="true" />
        )}
        {points.map((point) => {
          const of = point[figure];
          const failed = point.status !== "completed" && point.status !== "running";
          const { says } = STATUS_SIGNS[point.status];
          const text = `${visibleString(point.run_id)}, ${ago(point.started_at)}: ${of === null ? "not known" : tell(of)}, ${says}`;
          return (
            <a
              key={point.run_id}
              class={`trend-bar${failed ? " failed" : ""}${point.run_id === judged ? " newest" : ""}`}
              href={link(`/runs/${encodeURIComponent(point.run_id)}`)}
              aria-current={point.run_id === here ? "true" : undefined}
              tabIndex={reachable ? 0 : -1}
              title={text}
              aria-label={`${title} of ${text}`}
            >
              <i style={{ height: of === null ? "0" : height(of) }} />
              {failed && <span aria-hidden="true">×</span>}
            </a>
          );
        })}
      </div>
    </figure>
  );
}

/** That a figure goes somewhere, each run in line with the one before. */
function Drift({ drift }: { drift: TrendFigure["drift"] | undefined }) {
  if (!drift?.drifts) return null;
  const up = (drift.change ?? drift.score ?? 0) > 0;
  return (
    <span class="trend-drift">
      <i aria-hidden="true">{up ? "↗" : "↘"}</i> drifts {up ? "up" : "down"}
      {drift.change !== null && ` by ${(100 * Math.abs(drift.change)).toFixed(0)} % over these runs`}
    </span>
  );
}

function ratio(value: number | null, usual: number | null): number | undefined {
  return value !== null && usual ? value / usual : undefined;
}
