import { useEffect } from "preact/hooks";
import { Icon } from "../../components/Icon";
import { Command, Empty, Failed } from "../../components/States";
import { asked, moving, range } from "../../state/range";
import { useResource } from "../../state/resource";
import { Catalogue } from "./Catalogue";
import { ChartCard } from "./ChartCard";
import { families } from "./answers";
import { charts, open } from "./charts";
import { grid } from "./grid";
import "./metrics.css";

/** How often charts of a range that ends now are asked again: as often as there is something new. */
const EVERY_MS = 15_000;

/** Find a metric, chart it, put charts one below the other. */
export default function Metrics() {
  const { start } = grid.value;
  const known = useResource(`${range.value.from} ${range.value.to} ${asked.value}`, (signal) =>
    families(start, signal),
  );
  const follows = moving(range.value);
  useEffect(() => {
    if (!follows) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) asked.value += 1;
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [follows]);
  const found = known.data.value;
  return (
    <div class="metrics">
      <Catalogue families={found} />
      <div class="metrics-charts">
        <div class="row metrics-top">
          <button type="button" class="button" onClick={() => open({ query: "" })}>
            <Icon name="search" size={14} /> New query
          </button>
          <span class="dim">{charts.value.length > 0 && "Drag over a chart to zoom into the time."}</span>
        </div>
        {known.failure.value && !found && <Failed failure={known.failure.value} retry={known.retry} />}
        {found?.length === 0 && charts.value.length === 0 && (
          <Empty title="No metrics in this time range">
            <p>Those of requests and resources come by themselves; your own with one line:</p>
            <Command text={'plainview.counter("orders_total", "Orders placed").inc()'} />
          </Empty>
        )}
        {found && found.length > 0 && charts.value.length === 0 && (
          <Empty title="Choose a metric">
            <p>
              Type a part of its name at the left (<kbd>/</kbd>), or write a query in PromQL.
            </p>
          </Empty>
        )}
        {charts.value.map((chart, index) => (
          <ChartCard
            key={`${charts.value.length - index} ${chart.metric ?? "query"}`}
            chart={chart}
            index={index}
            families={found ?? (known.failure.value ? [] : undefined)}
          />
        ))}
      </div>
    </div>
  );
}
