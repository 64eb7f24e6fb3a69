import type { Figure, Run } from "../../api/runs";
import { memo } from "../../components/memo";
import { OperationStatus } from "../../components/OperationStatus";
import { Progress } from "../../components/Progress";
import { Text } from "../../components/Text";
import { TickBox } from "../../components/TickBox";
import { zone } from "../../state/preferences";
import { ago, bytes, count, duration, exact, short } from "../../text/format";
import { amount } from "../../text/units";
import { CheckCounts, Durations } from "./Marks";

interface Props {
  run: Run;
  index: number;
  selected: boolean;
  chosen: boolean;
  onOpen: (index: number) => void;
  onTick: (index: number) => void;
}

/** One run of the list. */
export const RunLine = memo(({ run, index, selected, chosen, onOpen, onTick }: Props) => (
  <div
    id={`run-${run.run_id}`}
    class={`line run-line${selected ? " selected" : ""}${chosen ? " chosen" : ""}`}
    role="row"
    tabIndex={-1}
    aria-rowindex={index + 1}
    aria-selected={selected}
    onClick={() => onOpen(index)}
  >
    <span role="gridcell">
      <TickBox ticked={chosen} onTick={() => onTick(index)} />
    </span>
    <span role="gridcell">
      <OperationStatus status={run.status} />
    </span>
    <span class="run-what" role="gridcell">
      <b class="clip">
        <Text value={run.name} limit={120} />
      </b>
      <span class="dim clip mono">
        <Text value={run.run_id} limit={120} />
      </span>
    </span>
    <span role="gridcell" title={exact(run.started_at, zone.value)}>
      {ago(run.started_at)}
    </span>
    {run.status === "running" ? (
      <span class="run-progress" role="gridcell">
        <span class="number">{run.duration_ms === null ? "–" : duration(run.duration_ms)}</span>
        <Progress operation={run} />
      </span>
    ) : (
      <span class="run-took" role="gridcell">
        <span class="number">{run.duration_ms === null ? "–" : duration(run.duration_ms)}</span>
        <Durations run={run} />
      </span>
    )}
    <span class="number" role="gridcell" title={run.rows === null ? undefined : `${count(run.rows)} rows`}>
      <Unusual run={run} figure="rows" />
      {run.rows === null ? <span class="dim">–</span> : short(run.rows)}
    </span>
    <span class="number run-rate" role="gridcell">
      <Unusual run={run} figure="rows_per_second" />
      {run.rows_per_second === null ? <span class="dim">–</span> : `${amount(run.rows_per_second)}/s`}
    </span>
    <span class="number run-memory" role="gridcell">
      <Unusual run={run} figure="memory_peak_bytes" />
      {run.memory_peak_bytes === null ? <span class="dim">–</span> : bytes(run.memory_peak_bytes)}
    </span>
    <span class="run-checks" role="gridcell">
      <CheckCounts checks={run.checks} />
    </span>
    <Tally of={run.errors} says="error" />
    <Tally of={run.warnings} says="warning" />
    <span class="run-commit mono clip" role="gridcell" title={run.git_commit ?? undefined}>
      {run.git_commit ? <Text value={run.git_commit.slice(0, 8)} /> : <span class="dim">–</span>}
    </span>
  </div>
));

/** A sign beside a figure that is out of line with the runs before. */
function Unusual({ run, figure }: { run: Run; figure: Figure }) {
  if (!run.unusual.includes(figure)) return null;
  return (
    <b class="unusual" title="Out of line with the runs before it">
      <i aria-hidden="true">↕</i>
      <span class="unseen">out of line </span>
    </b>
  );
}

/** How many errors or warnings; none is not worth a colour. */
function Tally({ of, says }: { of: number; says: "error" | "warning" }) {
  return (
    <span class={of > 0 ? `number tally-${says}` : "number dim"} role="gridcell">
      {short(of)}
    </span>
  );
}
