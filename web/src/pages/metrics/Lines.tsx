import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { Chart } from "../../components/Chart";
import { link, navigate } from "../../state/location";
import { zone } from "../../state/preferences";
import { between, setRange } from "../../state/range";
import { clock, plural } from "../../text/format";
import { measure, type Unit } from "../../text/units";
import { visibleString } from "../../text/visible";
import type { Exemplar, Line } from "./answers";
import { lineOptions } from "./draw";
import { type Drawn, drawn, extent, type Grid, keyOf, last, lineData } from "./series";

const HEIGHT = 190;
/** Lines that a tooltip names. */
const TOLD = 8;

interface Props {
  title: string;
  answers: { name?: string; now: Line[]; before: Line[] }[];
  grid: Grid;
  unit: Unit;
  exemplars: Exemplar[];
  /** A label's value was clicked in the legend: only this. */
  onPick: ((label: string, value: string) => void) | undefined;
}

/** A line chart with its legend. */
export function Lines({ title, answers, grid, unit, exemplars, onPick }: Props) {
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const { lines, left } = useMemo(() => drawn(answers, grid), [answers, grid]);
  const data = useMemo(() => lineData(lines, hidden.value, grid), [lines, hidden.value, grid]);
  const dots = useRef(exemplars);
  dots.current = exemplars;
  const own = lines.filter((line) => !line.ghost);
  if (own.length === 0) return <p class="metric-plot metric-none dim">No samples in this time range.</p>;
  const toggle = (line: Drawn, alone: boolean) => {
    const key = keyOf(line);
    const others = own.map(keyOf).filter((each) => each !== key);
    if (alone) hidden.value = others.every((each) => hidden.value.has(each)) ? new Set() : new Set(others);
    else {
      const next = new Set(hidden.value);
      if (!next.delete(key)) next.add(key);
      hidden.value = next;
    }
  };
  return (
    <>
      <Chart
        key={lines.map((line) => `${line.name}${line.colour}`).join("\n")}
        label={`${title}: ${plural(own.length, "line")} over time`}
        height={HEIGHT}
        data={data}
        range={[grid.start, grid.end]}
        drawn={exemplars}
        options={(colour) =>
          lineOptions(
            colour,
            lines,
            unit,
            () => dots.current,
            (dot) => navigate(link(`/traces/${encodeURIComponent(dot.trace)}`)),
          )
        }
        onBrush={({ x }) => setRange(between(x[0] * 1000, x[1] * 1000))}
        tip={(index) => <Tip lines={lines} data={data} index={index} unit={unit} />}
      />
      <Legend lines={own} hidden={hidden.value} unit={unit} toggle={toggle} onPick={onPick} />
      <p class="metric-note dim">
        {left > 0 && `${plural(left, "more line")} with lower values: split by fewer labels. `}
        {exemplars.length > 0 &&
          `◆ ${plural(exemplars.length, "observation")} with a trace: click one to open it.`}
      </p>
    </>
  );
}

interface TipProps {
  lines: Drawn[];
  data: ReturnType<typeof lineData>;
  index: number;
  unit: Unit;
}

function Tip({ lines, data, index, unit }: TipProps) {
  const time = data[0][index];
  if (time === undefined) return null;
  const there = lines
    .map((line, at) => ({ line, value: data[at + 1]?.[index] }))
    .filter((each): each is { line: Drawn; value: number } => typeof each.value === "number")
    .sort((one, other) => other.value - one.value);
  return (
    <>
      <b>{clock(time * 1000, zone.value).slice(0, 8)}</b>
      {there.slice(0, TOLD).map(({ line, value }) => (
        <span key={line.name}>
          <i class={`swatch line-swatch service-${line.colour}${line.ghost ? " ghost" : ""}`} />{" "}
          {visibleString(line.name)} <b>{measure(value, unit)}</b>
        </span>
      ))}
      {there.length > TOLD && <span>and {there.length - TOLD} more</span>}
    </>
  );
}

interface LegendProps {
  lines: Drawn[];
  hidden: ReadonlySet<string>;
  unit: Unit;
  toggle: (line: Drawn, alone: boolean) => void;
  onPick: Props["onPick"];
}

/** Lines by their latest value; click shows or hides one, alt-click shows it alone. */
function Legend({ lines, hidden, unit, toggle, onPick }: LegendProps) {
  const tell = (value: number | null) => (value === null ? "–" : measure(value, unit));
  return (
    <table class="table metric-legend">
      <thead>
        <tr>
          <th>Line</th>
          <th class="number">Last</th>
          <th class="number">Highest</th>
          <th class="number">Mean</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => {
          const { most, mean } = extent(line.values);
          const off = hidden.has(keyOf(line));
          const differing = Object.entries(line.labels).filter(([label]) => line.name.includes(`${label}=`));
          return (
            <tr key={line.name} class={off ? "off" : ""}>
              <td class="row">
                <button
                  type="button"
                  class="row clip metric-line"
                  aria-pressed={!off}
                  title="Click: show or hide. Alt-click: this alone."
                  onClick={(event) => toggle(line, event.altKey)}
                >
                  <i class={`swatch line-swatch service-${line.colour}`} />
                  <span class="clip">{visibleString(line.name)}</span>
                </button>
                {onPick &&
                  differing.map(([label, value]) => (
                    <button
                      key={label}
                      type="button"
                      class="metric-only"
                      title={`Only ${visibleString(`${label}=${value}`)}`}
                      aria-label={`Only ${visibleString(`${label}=${value}`)}`}
                      onClick={() => onPick(label, value)}
                    >
                      only {label}
                    </button>
                  ))}
              </td>
              <td class="number">{tell(last(line.values))}</td>
              <td class="number">{tell(most)}</td>
              <td class="number">{tell(mean)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
