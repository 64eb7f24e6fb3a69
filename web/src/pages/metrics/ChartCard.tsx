import { useMemo } from "preact/hooks";
import { Icon } from "../../components/Icon";
import { Choice, Menu } from "../../components/Menu";
import { Failed, Late } from "../../components/States";
import { useResource } from "../../state/resource";
import { environments, services } from "../../state/scope";
import { perSecond, type Unit, unitOf } from "../../text/units";
import { visibleString } from "../../text/visible";
import { exemplars, type Family, type Line, labelsOf, queryRange } from "./answers";
import { change } from "./charts";
import { Expression } from "./Expression";
import { grid } from "./grid";
import { HeatMap } from "./HeatMap";
import { Lines } from "./Lines";
import { type Asked, expressions, matcher, VIEWS, viewOf } from "./promql";
import type { ChartSpec, View } from "./spec";

interface Props {
  chart: ChartSpec;
  index: number;
  /** What is known of metrics; undefined while it is not known yet. */
  families: Family[] | undefined;
}

/** A name for the kind of metrics that nothing is known of. */
function familyOf(chart: ChartSpec, families: Family[]): Family {
  const name = chart.metric ?? "";
  return (
    families.find((each) => each.name === name) ?? {
      name,
      kind: "unknown",
      help: "",
      unit: "",
      labels: [],
      series: 0,
    }
  );
}

/** One chart: what it shows, how, and the chart itself. */
export function ChartCard({ chart, index, families: known }: Props) {
  const families = known ?? [];
  const family = familyOf(chart, families);
  const view = chart.query === undefined ? viewOf(chart, family.kind) : "value";
  const scope = [
    ...(services.value.length > 0 ? [matcher("job", services.value)] : []),
    ...(environments.value.length > 0 ? [matcher("environment", environments.value)] : []),
  ];
  const { start, end, step } = grid.value;
  const list = expressions(chart, family.kind, scope, step);
  // How a metric is best looked at depends on its kind: that has to be known before anything is asked.
  const empty = chart.query === undefined ? known === undefined : chart.query === "";
  const key = empty ? null : JSON.stringify([list, start, end, step, chart.previous ?? false]);
  const answer = useResource(key, async (signal) => {
    const stretch = { ...grid.peek() };
    const length = stretch.end - stretch.start;
    const found = await Promise.all(
      list.map(async ({ expression, name }) => {
        const [now, before] = await Promise.all([
          queryRange(expression, stretch.start, stretch.end, stretch.step, signal),
          chart.previous
            ? queryRange(expression, stretch.start - length, stretch.end - length, stretch.step, signal)
            : Promise.resolve<Line[]>([]),
        ]);
        return { ...(name === undefined ? {} : { name }), now, before };
      }),
    );
    const dots =
      family.kind === "histogram" && (view === "quantiles" || view === "mean")
        ? await exemplars(bucketsOf(list), stretch.start, stretch.end, signal).catch(() => [])
        : [];
    return { found, dots, grid: stretch };
  });
  const shown = answer.data.value;
  const failure = answer.failure.value;
  const unit = unitOfView(chart, family, view);
  const title = chart.query ?? visibleString(family.name);
  return (
    <section class="metric-card" aria-label={title === "" ? "New query" : title}>
      <Late on={answer.slow.value} />
      <header class="row">
        {chart.query === undefined ? (
          <Controls chart={chart} index={index} family={family} view={view} expression={list} />
        ) : (
          <Expression
            value={chart.query}
            families={families}
            onAsk={(query) => change(index, { ...chart, query })}
          />
        )}
        <button
          type="button"
          class={chart.previous ? "button small on" : "button small"}
          aria-pressed={chart.previous ?? false}
          title="Draw the period before as a dashed line"
          onClick={() => change(index, { ...chart, previous: !chart.previous })}
        >
          Before
        </button>
        <button
          type="button"
          class="button bare square small"
          aria-label={`Close ${title}`}
          title="Close this chart"
          onClick={() => change(index, null)}
        >
          <Icon name="close" size={14} />
        </button>
      </header>
      {failure && <Failed failure={failure} retry={answer.retry} />}
      {!failure && !shown && <div class="metric-plot" />}
      {!failure && shown && view === "heat" && (
        <HeatMap title={title} lines={shown.found[0]?.now ?? []} grid={shown.grid} unit={unit} />
      )}
      {!failure && shown && view !== "heat" && (
        <Lines
          title={title}
          answers={shown.found}
          grid={shown.grid}
          unit={unit}
          exemplars={shown.dots}
          onPick={
            chart.query === undefined
              ? (label, value) => change(index, { ...chart, where: { ...chart.where, [label]: value } })
              : undefined
          }
        />
      )}
    </section>
  );
}

function unitOfView(chart: ChartSpec, family: Family, view: View): Unit {
  if (chart.query !== undefined) return unitOfQuery(chart.query);
  const unit = unitOf(family.name);
  if (view === "rate")
    return family.kind === "histogram" || family.kind === "summary" ? "/s" : perSecond(unit);
  return unit;
}

/** The unit of an expression, where one metric's name tells it and nothing is divided. */
function unitOfQuery(query: string): Unit {
  const units = new Set(
    (query.match(/[a-zA-Z_:][\w:]*_[\w:]*/g) ?? []).map(unitOf).filter((unit) => unit !== ""),
  );
  const [only] = units;
  if (units.size !== 1 || only === undefined || query.includes("/")) return "";
  return /\b(i?rate|deriv)\s*\(/.test(query) && !query.includes("histogram_quantile")
    ? perSecond(only)
    : only;
}

/** The selector of the classic buckets in the expressions of a histogram: exemplars hang on them. */
function bucketsOf(list: Asked[]): string {
  const text = list.map(({ expression }) => expression).join(" ");
  const found = /([a-zA-Z_:][\w:]*)_(?:bucket|sum)(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?/.exec(text);
  return found ? `${found[1]}_bucket${found[2] ?? ""}` : "";
}

interface ControlsProps {
  chart: ChartSpec;
  index: number;
  family: Family;
  view: View;
  expression: Asked[];
}

/** What is shown of the metric: the view, the labels it is split by, what it is narrowed to. */
function Controls({ chart, index, family, view, expression }: ControlsProps) {
  const { start, end } = grid.value;
  const labels = useResource(`${family.name} ${family.kind}`, (signal) =>
    labelsOf(family, start, end, signal),
  );
  const options = useMemo(
    () =>
      (labels.data.value ?? []).map(({ label, values }) => ({
        name: label,
        note: values.length === 1 ? visibleString(values[0] as string) : String(values.length),
      })),
    [labels.data.value],
  );
  const views = VIEWS[family.kind];
  return (
    <div class="row grow metric-controls">
      <h2 class="clip" title={visibleString(family.help)}>
        {visibleString(family.name)}
      </h2>
      <Menu label="View" text={views.find(([each]) => each === view)?.[1] ?? view}>
        {(close) =>
          views.map(([each, says]) => (
            <button
              key={each}
              type="button"
              class="menu-item"
              aria-pressed={each === view}
              onClick={() => {
                change(index, { ...chart, view: each });
                close();
              }}
            >
              <span class="menu-check">{each === view && <Icon name="check" size={14} />}</span>
              {says}
            </button>
          ))
        }
      </Menu>
      {view !== "heat" && (
        <Choice
          label="Split by"
          none="not split"
          options={options}
          chosen={chart.by ?? []}
          onChange={(by) => change(index, { ...chart, by })}
        />
      )}
      {Object.entries(chart.where ?? {}).map(([label, value]) => (
        <button
          key={label}
          type="button"
          class="button small on"
          title="Take this filter away"
          onClick={() => {
            const { [label]: _, ...where } = chart.where ?? {};
            change(index, { ...chart, where });
          }}
        >
          {visibleString(`${label}=${value}`)} <Icon name="close" size={12} />
        </button>
      ))}
      <span class="grow" />
      <button
        type="button"
        class="button bare small"
        title={expression.map((each) => each.expression).join("\n")}
        onClick={() =>
          change(index, {
            query: expression[0]?.expression ?? "",
            ...(chart.previous ? { previous: true } : {}),
          })
        }
      >
        PromQL
      </button>
    </div>
  );
}
