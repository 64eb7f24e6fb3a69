import type { Operation } from "../../api/operations";
import { memo } from "../../components/memo";
import { operationUrl } from "../../components/doors";
import { OperationStatus } from "../../components/OperationStatus";
import { Progress } from "../../components/Progress";
import { Service } from "../../components/Service";
import { Text } from "../../components/Text";
import { ago, clock, count, day, duration, exact, plural, type Zone } from "../../text/format";
import { reached } from "../../text/reached";

interface Props {
  operation: Operation;
  index: number;
  selected: boolean;
  /** Duration that fills the bar, ms. */
  longest: number;
  zone: Zone;
  days: boolean;
  onOpen: (index: number) => void;
}

/** One operation of the list. */
export const OperationLine = memo(({ operation, index, selected, longest, zone, days, onOpen }: Props) => {
  const ms = operation.duration_ms;
  const started = operation.status !== "queued";
  return (
    <div
      id={`operation-${operation.operation_id}`}
      class={`line operation-line${selected ? " selected" : ""}`}
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-selected={selected}
      onClick={(event) => {
        if (!(event.target instanceof Element && event.target.closest("a"))) onOpen(index);
      }}
    >
      <span role="gridcell">
        <OperationStatus status={operation.status} />
      </span>
      <span class="clip" role="gridcell">
        <a href={operationUrl(operation.operation_id)} tabIndex={-1}>
          <Text value={operation.name || operation.kind} limit={120} />
        </a>
      </span>
      <span class="mono clip dim" role="gridcell">
        <Text value={operation.key ?? ""} limit={80} />
      </span>
      <span class="line-time" role="gridcell" title={exact(operation.started_at, zone)}>
        {days && <span class="line-day">{day(operation.started_at, zone)} </span>}
        {clock(operation.started_at, zone).slice(0, 8)}
      </span>
      <span class="operation-duration" role="gridcell">
        {started && ms !== null && (
          <>
            <i
              class={`duration-bar operation-fill-${operation.status}`}
              style={{ width: `${Math.max(1, (100 * ms) / longest)}%` }}
            />
            <span>{duration(ms)}</span>
          </>
        )}
      </span>
      <span class="operation-what clip" role="gridcell">
        <What operation={operation} />
      </span>
      <span class="clip" role="gridcell">
        <Service name={operation.service} />
      </span>
      <span class="number" role="gridcell" title={plural(operation.attempts, "attempt")}>
        {operation.attempt > 1 || operation.attempts > 1 ? `${operation.attempt}/${operation.attempts}` : ""}
      </span>
    </div>
  );
});

/** How far it is, why it failed, or what came of it. */
function What({ operation }: { operation: Operation }) {
  const { status, step, reason, rows, done, total } = operation;
  if (status === "running")
    return (
      <>
        <Progress operation={operation} /> <FailedItems of={operation} />
        <span class="dim">{step && <Text value={step} limit={80} />}</span>
      </>
    );
  if (status === "abandoned")
    return (
      <>
        {done === null ? "no progress was told" : `stopped at ${reached(done, total)}`}
        {step && (
          <span class="dim">
            {" "}
            <Text value={step} limit={80} />
          </span>
        )}
        <span class="dim"> · last heard {ago(operation.last_seen)}</span>
      </>
    );
  if (reason)
    return (
      <>
        {operation.failed_in && (
          <span class="dim">
            in <Text value={operation.failed_in} limit={60} />:{" "}
          </span>
        )}
        <Text value={reason} limit={200} />
      </>
    );
  const parts = [
    done !== null && operation.kind === "batch" ? `${reached(done, total)} items` : "",
    rows === null ? "" : plural(rows, "row"),
  ];
  return (
    <>
      <FailedItems of={operation} />
      <span class="dim">{parts.filter(Boolean).join(" · ")}</span>
    </>
  );
}

function FailedItems({ of }: { of: Operation }) {
  if (of.items_failed === 0) return null;
  return <span class="failed-count">{count(of.items_failed)} failed </span>;
}
