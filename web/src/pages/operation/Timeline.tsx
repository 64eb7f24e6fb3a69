import type { OperationEvent } from "../../api/operations";
import { operationUrl } from "../../components/doors";
import { OperationStatus } from "../../components/OperationStatus";
import { Text } from "../../components/Text";
import { zone } from "../../state/preferences";
import { clock, count, duration } from "../../text/format";

import { gravity, marks, type Row, type TimeLine, told } from "./model";

interface Props {
  line: TimeLine;
  events: OperationEvent[];
}

/** The operation and what it is made of, along the time; its events are marks on its bar. */
export function Timeline({ line, events }: Props) {
  const place = (ms: number) => Math.min(100, Math.max(0, (100 * ms) / line.length));
  return (
    <section class="timeline" aria-label="Time line">
      <div class="timeline-row timeline-head" aria-hidden="true">
        <span class="timeline-name">{clock(line.from, zone.value).slice(0, 8)}</span>
        <span class="timeline-axis">
          {marks(line.length).map((at) => (
            <span
              key={at}
              class={place(at) > 92 ? "timeline-tick last" : "timeline-tick"}
              style={{ left: `${place(at)}%` }}
            >
              {at === 0 ? "0" : duration(Number(at.toPrecision(6))).replace(/\.0+(?= )| 00 [sm]$/, "")}
            </span>
          ))}
        </span>
      </div>
      <ol>
        {line.rows.map((row, at) => (
          <li key={row.operation.operation_id} class="timeline-row">
            <Name row={row} own={at === 0} />
            <span class="timeline-bars">
              <i
                class={`timeline-bar operation-fill-${row.operation.status}${row.open ? " open" : ""}`}
                style={{
                  left: `${place(row.start)}%`,
                  width: `${Math.max(0.2, place(row.end) - place(row.start))}%`,
                }}
              />
              {at === 0 && <Marks line={line} events={events} place={place} />}
              <Caption row={row} start={place(row.start)} end={place(row.end)} />
            </span>
          </li>
        ))}
      </ol>
      {line.left > 0 && <p class="dim timeline-left">and {count(line.left)} more</p>}
    </section>
  );
}

function Name({ row, own }: { row: Row; own: boolean }) {
  const { operation, depth } = row;
  const name = (
    <>
      <span class="operation-kind">{operation.kind}</span> <Text value={operation.name} limit={100} />
    </>
  );
  return (
    <span class="timeline-name" style={{ paddingLeft: `${Math.min(depth, 12) * 14 + 4}px` }}>
      <OperationStatus status={operation.status} sign />
      {own ? (
        <b class="clip">{name}</b>
      ) : (
        <a class="clip" href={operationUrl(operation.operation_id)}>
          {name}
        </a>
      )}
    </span>
  );
}

/** Marks of the events that matter; shapes tell them apart without their colours. */
function Marks({ line, events, place }: Props & { place: (ms: number) => number }) {
  return (
    <>
      {events
        .filter((event) => gravity(event) !== "none")
        .map((event, at) => (
          <i
            key={at}
            class={`timeline-mark mark-${gravity(event)}`}
            style={{ left: `${place(Date.parse(event.timestamp) - line.from)}%` }}
            title={`${told(event)} at +${duration(Date.parse(event.timestamp) - line.from)}`}
          />
        ))}
    </>
  );
}

/** How long it took, where there is room for it. */
function Caption({ row, start, end }: { row: Row; start: number; end: number }) {
  if (row.operation.status === "queued") return null;
  const text = duration(row.end - row.start);
  if (end < 88)
    return (
      <span class="timeline-caption" style={{ left: `${end}%` }}>
        {text}
      </span>
    );
  if (start > 12)
    return (
      <span class="timeline-caption" style={{ right: `${100 - start}%` }}>
        {text}
      </span>
    );
  return <span class="timeline-caption on">{text}</span>;
}
