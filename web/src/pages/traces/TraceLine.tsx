import type { TraceRow } from "../../api/types";
import { Icon } from "../../components/Icon";
import { memo } from "../../components/memo";
import { Service } from "../../components/Service";
import { Text } from "../../components/Text";
import { serviceColour } from "../../state/server";
import { clock, count, day, duration, exact, type Zone } from "../../text/format";
import { visibleString } from "../../text/visible";

interface Props {
  trace: TraceRow;
  index: number;
  selected: boolean;
  /** Duration that fills the bar, ms. */
  longest: number;
  zone: Zone;
  days: boolean;
  marks: string[];
  onOpen: (index: number) => void;
}

/** One trace of the list. */
export const TraceLine = memo(({ trace, index, selected, longest, zone, days, marks, onOpen }: Props) => {
  const failed = trace.status === "ERROR";
  return (
    <div
      id={`trace-${trace.trace_id}`}
      class={`line trace-line${selected ? " selected" : ""}${failed ? " failed" : ""}`}
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-selected={selected}
      onClick={() => onOpen(index)}
    >
      <span class="line-time" role="gridcell" title={exact(trace.start_time, zone)}>
        {days && <span class="line-day">{day(trace.start_time, zone)} </span>}
        {clock(trace.start_time, zone)}
      </span>
      <span role="gridcell" class="trace-status">
        {failed && (
          <>
            <Icon name="error" size={14} />
            <span class="unseen">failed</span>
          </>
        )}
      </span>
      <span class="clip" role="gridcell">
        <Service name={trace.service} />
      </span>
      <span class="line-message clip" role="gridcell">
        <Text value={trace.name} marks={marks} limit={200} />
      </span>
      <span class="trace-duration" role="gridcell">
        <i class="trace-bar" style={{ width: `${Math.max(1, (100 * trace.duration_ms) / longest)}%` }} />
        <span>{duration(trace.duration_ms)}</span>
      </span>
      <span
        class="trace-services"
        role="gridcell"
        title={trace.services.map((name) => visibleString(name)).join(", ")}
      >
        {trace.services.slice(0, 8).map((name) => (
          <i key={name} class={`dot service-${serviceColour(name)}`} />
        ))}
      </span>
      <span class="number" role="gridcell">
        {count(trace.span_count)}
      </span>
      <span class={trace.error_count > 0 ? "number failed-count" : "number dim"} role="gridcell">
        {trace.error_count}
      </span>
    </div>
  );
});
