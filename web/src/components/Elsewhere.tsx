import { between, instant, range, setRange, wider } from "../state/range";
import { serviceRows } from "../state/server";
import { ago } from "../text/format";

const AROUND_MS = 15 * 60_000;

/** Where else in time to look, when there is nothing here. */
export function Elsewhere() {
  const newest = Math.max(0, ...(serviceRows.value ?? []).map((row) => Date.parse(row.last_seen)));
  const earlier = newest > 0 && newest < instant(range.value.from);
  return (
    <>
      {earlier && <p>The newest record is from {ago(newest)}.</p>}
      <div class="row">
        {earlier && (
          <button
            type="button"
            class="button primary"
            onClick={() => setRange(between(newest - AROUND_MS, newest + 1000))}
          >
            Show the newest
          </button>
        )}
        <button type="button" class="button" onClick={() => setRange(wider(range.value))}>
          Look further back
        </button>
        <button type="button" class="button" onClick={() => setRange({ from: "-30d", to: "now" })}>
          Last 30 days
        </button>
      </div>
    </>
  );
}
