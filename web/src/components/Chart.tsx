/** A uPlot chart that fits its box, follows the theme, and can be brushed. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot, { type AlignedData, type Axis, type Options } from "uplot";
import "uplot/dist/uPlot.min.css";
import { dark, zone } from "../state/preferences";
import { clock, day, duration, short } from "../text/format";

/** Resolves a colour token for drawing on a canvas. */
export type Colour = (token: string) => string;

function colours(element: HTMLElement): Colour {
  const probe = document.createElement("i");
  element.append(probe);
  const known = new Map<string, string>();
  return (token) => {
    const found = known.get(token);
    if (found !== undefined) return found;
    probe.style.color = `var(--${token})`;
    const colour = getComputedStyle(probe).color;
    known.set(token, colour);
    return colour;
  };
}

/** A series drawn as bars in a colour, one beside the other. */
export function bars(colour: string): uPlot.Series {
  return {
    fill: colour,
    stroke: "transparent",
    width: 0,
    points: { show: false },
    paths: uPlot.paths.bars?.({ size: [0.86, 60], align: 1 }) as uPlot.Series.PathBuilder,
  };
}

/** What was dragged over: ends of the x scale, and of the y scale when the brush is a box. */
export interface Brushed {
  x: [number, number];
  y: [number, number];
}

interface Props {
  /** What the chart says, for those who cannot see it. */
  label: string;
  height: number;
  data: AlignedData;
  /** Ends of the x scale, seconds. */
  range: [number, number];
  /** The parts of the options that are the chart's own; called anew only when theme or zone change. */
  options: (colour: Colour) => Omit<Options, "width" | "height">;
  /** What is drawn besides the data; another value draws the chart again. */
  drawn?: unknown;
  onBrush?: (brushed: Brushed) => void;
  /** Brush both ways. */
  box?: boolean;
  /** Text of the tooltip at a data index. */
  tip?: (index: number) => ComponentChildren;
}

export function Chart(props: Props) {
  const { label, height, data, drawn, tip } = props;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const at = useSignal<{ index: number; left: number; right: boolean } | null>(null);
  const theme = `${dark()} ${zone.value}`;

  // `theme` stands for what the options read; data comes in without a new chart.
  useLayoutEffect(() => {
    const element = holder.current;
    if (!element) return undefined;
    const given = props.options(colours(element));
    const options: Options = {
      legend: { show: false },
      tzDate: (second) =>
        zone.peek() === "utc" ? uPlot.tzDate(new Date(second * 1000), "Etc/UTC") : new Date(second * 1000),
      ...given,
      scales: { ...given.scales, x: { range: () => latest.current.range } },
      width: Math.max(100, element.clientWidth),
      height,
      cursor: {
        points: { show: false },
        y: false,
        ...given.cursor,
        drag: { x: true, y: props.box === true, setScale: false, dist: 4, ...(props.box ? { uni: 12 } : {}) },
      },
      hooks: {
        ...given.hooks,
        setSelect: [(chart) => selected(chart, latest.current)],
        setCursor: [
          (chart) => {
            const { idx, left = -1 } = chart.cursor;
            const inside = typeof idx === "number" && left >= 0;
            const offset = chart.bbox.left / devicePixelRatio;
            at.value = inside
              ? { index: idx, left: left + offset, right: left > chart.over.clientWidth / 2 }
              : null;
          },
        ],
      },
    };
    const chart = new uPlot(options, latest.current.data, element);
    plot.current = chart;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) chart.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [height, theme]);

  useEffect(() => {
    if (plot.current && plot.current.data !== data) plot.current.setData(data);
  }, [data]);
  useEffect(() => {
    plot.current?.setData(latest.current.data); // the dots may need another scale
  }, [drawn]);

  const tipped = at.value;
  return (
    <div class="chart" role="img" aria-label={label}>
      <div ref={holder} class="chart-plot" />
      {tip && tipped && tipped.index < (data[0]?.length ?? 0) && (
        <div
          class={tipped.right ? "chart-tip left" : "chart-tip"}
          style={{ left: `${tipped.left}px` }}
          aria-hidden="true"
        >
          {tip(tipped.index)}
        </div>
      )}
    </div>
  );
}

function selected(chart: uPlot, props: Props): void {
  const { left, top, width, height } = chart.select;
  if (width < 4 || !props.onBrush) return;
  const x: [number, number] = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")];
  const whole = height >= chart.over.clientHeight - 1;
  const y: [number, number] = whole
    ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    : [chart.posToVal(top + height, "y"), chart.posToVal(top, "y")];
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  props.onBrush({ x, y });
}

const FONT = '11px Inter, system-ui, "DejaVu Sans", sans-serif';

/** The time axis below a chart; x values are seconds. */
export function timeAxis(colour: Colour): Axis {
  return {
    font: FONT,
    stroke: colour("text-dim"),
    size: 22,
    gap: 4,
    space: 90,
    grid: { show: false },
    ticks: { stroke: colour("line"), width: 1, size: 4 },
    values: (_, splits, __, ___, step) =>
      splits.map((second, index) => {
        const time = second * 1000;
        const date = day(time, zone.value);
        const hour = clock(time, zone.value);
        if (step >= 86_400) return date;
        const text = hour.slice(0, step < 1 ? 12 : step < 60 ? 8 : 5);
        const before = index > 0 ? day((splits[index - 1] as number) * 1000, zone.value) : date;
        return before === date ? text : `${date} ${text}`;
      }),
  };
}

/** An axis of counts or of milliseconds at the left. */
export function valueAxis(colour: Colour, unit: "count" | "ms"): Axis {
  return {
    font: FONT,
    stroke: colour("text-dim"),
    size: 48,
    gap: 4,
    space: 22,
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    values: (_, splits) =>
      splits.map((value) => {
        if (value === null) return "";
        return unit === "ms" ? duration(value) : Number.isInteger(value) ? short(value) : "";
      }),
  };
}
