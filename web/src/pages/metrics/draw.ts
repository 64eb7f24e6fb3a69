/** How a chart of metrics is drawn. */

import type uPlot from "uplot";
import { type Colour, timeAxis, valueAxis } from "../../components/Chart";
import { measure, type Unit } from "../../text/units";
import type { Exemplar } from "./answers";
import { bounds, type Drawn, type Heat } from "./series";

/** An axis at the left with the metric's unit. */
function unitAxis(colour: Colour, unit: Unit): uPlot.Axis {
  return {
    ...valueAxis(colour, "count"),
    size: 64,
    space: 28,
    values: (_, splits) => splits.map((value) => (value === null ? "" : measure(value, unit))),
  };
}

/** Options of a line chart. */
export function lineOptions(
  colour: Colour,
  lines: Drawn[],
  unit: Unit,
  shown: () => Exemplar[],
  open: (exemplar: Exemplar) => void,
): Omit<uPlot.Options, "width" | "height"> {
  return {
    padding: [8, 16, 0, 0],
    scales: { y: { range: (_, least, most) => bounds(least, most, shown()) } },
    axes: [timeAxis(colour), unitAxis(colour, unit)],
    cursor: { sync: { key: "time" } },
    series: [
      {},
      ...lines.map((line) => ({
        stroke: line.ghost ? colour("text-dim") : colour(`service-${line.colour}`),
        width: line.ghost ? 1 : 1.5,
        ...(line.ghost ? { dash: [3, 4] } : {}),
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: {
      draw: [(chart) => drawExemplars(chart, shown(), colour)],
      ready: [
        (chart) => {
          chart.over.addEventListener("click", (event) => {
            const near = nearest(chart, shown(), event.offsetX, event.offsetY);
            if (near) open(near);
          });
        },
      ],
    },
  };
}

const REACH_PX = 8;

function nearest(chart: uPlot, dots: Exemplar[], left: number, top: number): Exemplar | undefined {
  let best: { dot: Exemplar; away: number } | undefined;
  for (const dot of dots) {
    const away = Math.hypot(chart.valToPos(dot.time, "x") - left, chart.valToPos(dot.value, "y") - top);
    if (away < REACH_PX && (!best || away < best.away)) best = { dot, away };
  }
  return best?.dot;
}

/** A small diamond for each observation that has a trace. */
function drawExemplars(chart: uPlot, dots: Exemplar[], colour: Colour): void {
  const { ctx } = chart;
  const arm = 4 * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = colour("accent");
  ctx.globalAlpha = 0.8;
  for (const dot of dots) {
    const left = chart.valToPos(dot.time, "x", true);
    const top = chart.valToPos(dot.value, "y", true);
    ctx.beginPath();
    ctx.moveTo(left, top - arm);
    ctx.lineTo(left + arm, top);
    ctx.lineTo(left, top + arm);
    ctx.lineTo(left - arm, top);
    ctx.fill();
  }
  ctx.restore();
}

/** Options of a heat map; its cells are drawn, its data are times only. */
export function heatOptions(
  colour: Colour,
  heat: () => Heat,
  step: number,
  unit: Unit,
): Omit<uPlot.Options, "width" | "height"> {
  return {
    padding: [8, 16, 0, 0],
    scales: { y: { range: () => [0, Math.max(1, heat().bounds.length)] } },
    axes: [
      timeAxis(colour),
      {
        ...unitAxis(colour, unit),
        grid: { show: false },
        splits: () => heat().bounds.map((_, at) => at + 1),
        values: (_, splits) => {
          const upper = heat().bounds;
          const every = Math.ceil(upper.length / 8);
          return splits.map((at) =>
            at % every === 0 && Number.isFinite(upper[at - 1] as number)
              ? measure(upper[at - 1] as number, unit)
              : "",
          );
        },
      },
    ],
    cursor: { sync: { key: "time" } },
    series: [{}, { show: true, stroke: "transparent", points: { show: false } }],
    hooks: { draw: [(chart) => drawHeat(chart, heat(), step, colour)] },
  };
}

function drawHeat(chart: uPlot, heat: Heat, step: number, colour: Colour): void {
  const times = chart.data[0];
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colour("accent");
  heat.rows.forEach((row, at) => {
    const top = chart.valToPos(at + 1, "y", true);
    const height = chart.valToPos(at, "y", true) - top;
    row.forEach((value, place) => {
      const time = times[place];
      if (!value || time === undefined) return;
      const left = chart.valToPos(time - step, "x", true);
      const width = chart.valToPos(time, "x", true) - left;
      // The root: what is rare must be seen beside what is frequent.
      ctx.globalAlpha = 0.12 + 0.88 * Math.sqrt(value / heat.most);
      ctx.fillRect(left, top, Math.max(1, width - 0.5), Math.max(1, height - 0.5));
    });
  });
  ctx.restore();
}
