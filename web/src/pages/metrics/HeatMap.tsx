import { useMemo, useRef } from "preact/hooks";
import type { AlignedData } from "uplot";
import { Chart } from "../../components/Chart";
import { zone } from "../../state/preferences";
import { between, setRange } from "../../state/range";
import { clock, count, plural } from "../../text/format";
import { measure, type Unit } from "../../text/units";
import type { Line } from "./answers";
import { heatOptions } from "./draw";
import { type Grid, heatOf, timesOf } from "./series";

const HEIGHT = 220;

interface Props {
  title: string;
  lines: Line[];
  grid: Grid;
  unit: Unit;
}

/** How observations spread over the buckets of a histogram, over time. */
export function HeatMap({ title, lines, grid, unit }: Props) {
  const heat = useMemo(() => heatOf(lines, grid), [lines, grid]);
  const latest = useRef(heat);
  latest.current = heat;
  const data = useMemo<AlignedData>(() => {
    const times = timesOf(grid);
    return [times, times.map(() => 0)];
  }, [grid]);
  if (heat.most === 0) return <p class="metric-plot metric-none dim">No observations in this time range.</p>;
  return (
    <Chart
      key={heat.bounds.join(" ")}
      label={`${title}: heat map of ${plural(heat.bounds.length, "bucket")} over time`}
      height={HEIGHT}
      data={data}
      range={[grid.start, grid.end]}
      drawn={heat}
      options={(colour) => heatOptions(colour, () => latest.current, grid.step, unit)}
      onBrush={({ x }) => setRange(between(x[0] * 1000, x[1] * 1000))}
      tip={(index) => (
        <>
          <b>{clock((grid.start + index * grid.step) * 1000, zone.value).slice(0, 8)}</b>
          {heat.rows
            .map((row, at) => ({ value: row[index], upper: heat.bounds[at] as number }))
            .filter(({ value }) => value)
            .reverse()
            .map(({ value, upper }) => (
              <span key={upper}>
                {Number.isFinite(upper) ? `up to ${measure(upper, unit)}` : "above"}{" "}
                {count(Math.round(value as number))}
              </span>
            ))}
        </>
      )}
    />
  );
}
