import { useMemo } from "preact/hooks";
import type uPlot from "uplot";
import type { AlignedData } from "uplot";
import type { Sample } from "../../api/runs";
import { Chart, type Colour, timeAxis, valueAxis } from "../../components/Chart";
import { zone } from "../../state/preferences";
import { clock } from "../../text/format";
import { measure, type Unit } from "../../text/units";
import { setZoom, zoom } from "../trace/view";

const HEIGHT = 84;
/** Width of the values at the left; the curve itself begins where the bars above it do. */
export const AXIS = 64;
/** Values of the memory's axis are powers of two. */
const MEBI = 1024 ** 2;

interface Curve {
  member: "memory_bytes" | "cpu_percent";
  title: string;
  unit: Unit;
  colour: string;
}

const CURVES: Curve[] = [
  { member: "memory_bytes", title: "Memory", unit: "B", colour: "service-0" },
  { member: "cpu_percent", title: "Processor", unit: "%", colour: "service-2" },
];

interface Props {
  samples: Sample[];
  /** When the run began, ms since 1970, and how long it went on. */
  start: number;
  length: number;
}

/** What the process used, under the bars of what it did. */
export function Resources({ samples, start, length }: Props) {
  const [from, to] = zoom.value ?? [0, length];
  const range: [number, number] = [(start + from) / 1000, (start + to) / 1000];
  if (samples.length === 0)
    return <p class="dim run-none">No samples of memory and processor: it was over before the first.</p>;
  return (
    <>
      {CURVES.map((curve, at) => (
        <Drawn
          key={curve.member}
          curve={curve}
          samples={samples}
          range={range}
          last={at === CURVES.length - 1}
          onBrush={(one, other) => setZoom(one * 1000 - start, other * 1000 - start, length)}
        />
      ))}
    </>
  );
}

interface DrawnProps {
  curve: Curve;
  samples: Sample[];
  range: [number, number];
  /** The time stands under the lowest one. */
  last: boolean;
  onBrush: (from: number, to: number) => void;
}

function Drawn({ curve, samples, range, last, onBrush }: DrawnProps) {
  const { member, title, unit } = curve;
  const data = useMemo(
    (): AlignedData => [
      samples.map((sample) => Date.parse(sample.timestamp) / 1000),
      samples.map((sample) => sample[member]),
    ],
    [samples, member],
  );
  const most = Math.max(0, ...samples.map((sample) => sample[member] ?? 0));
  return (
    <div class="resource">
      <p class="resource-title">
        {title} <span class="dim">at most {measure(most, unit)}</span>
      </p>
      <Chart
        label={`${title} over time, at most ${measure(most, unit)}`}
        height={HEIGHT + (last ? 22 : 0)}
        data={data}
        range={range}
        options={(colour) => options(colour, curve, last)}
        onBrush={({ x }) => onBrush(x[0], x[1])}
        tip={(index) => {
          const time = data[0][index];
          const value = data[1]?.[index];
          if (time === undefined || typeof value !== "number") return null;
          return (
            <>
              <b>{clock(time * 1000, zone.value).slice(0, 8)}</b>
              <span>
                {title} <b>{measure(value, unit)}</b>
              </span>
            </>
          );
        }}
      />
    </div>
  );
}

function options(colour: Colour, curve: Curve, last: boolean): Omit<uPlot.Options, "width" | "height"> {
  const value = valueAxis(colour, "count");
  const time = timeAxis(colour);
  const timeValues = time.values as uPlot.Axis.DynamicValues;
  return {
    padding: [6, 0, last ? 0 : 6, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(curve.unit === "B" ? MEBI : 1, most * 1.1)] } },
    axes: [
      last
        ? {
            ...time,
            values: (plot, splits, ...more) => inside(plot, splits, timeValues(plot, splits, ...more)),
          }
        : { ...time, size: 0, values: () => [] },
      {
        ...value,
        size: AXIS,
        values: (_, splits) => splits.map((each) => (each === null ? "" : measure(each, curve.unit))),
        ...(curve.unit === "B" ? { incrs: BINARY } : {}),
      },
    ],
    cursor: { sync: { key: "run" } },
    series: [
      {},
      {
        stroke: colour(curve.colour),
        fill: colour(curve.colour).replace(/^rgb\((.*)\)$/, "rgba($1, 0.14)"),
        width: 1.5,
        points: { show: false },
      },
    ],
  };
}

/** Steps of an axis of bytes: 1, 2, 5 … of each size. */
const BINARY = Array.from({ length: 36 }, (_, at) => 2 ** (at + 10));

/** Half a label's width: one whose middle is nearer to the right edge would be cut. */
const HALF_LABEL = 26;

/** Labels of an axis but for those that the edge would cut. */
function inside(plot: uPlot, splits: number[], labels: ReturnType<uPlot.Axis.DynamicValues>): string[] {
  const width = plot.over.clientWidth;
  return labels.map((label, at) =>
    plot.valToPos(splits[at] ?? 0, "x") > width - HALF_LABEL ? "" : String(label ?? ""),
  );
}
