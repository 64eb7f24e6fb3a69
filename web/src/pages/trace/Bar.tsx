import { LEVELS, type TraceLog } from "../../api/types";
import { serviceColour } from "../../state/server";
import { duration } from "../../text/format";
import { visibleString } from "../../text/visible";
import { type Node, ownTime, type Row } from "./model";

/** Most ticks on one bar. */
const TICKS = 60;
/** Most bars drawn for a row of repeats. */
const BARS = 200;

interface Props {
  row: Row;
  nodes: Node[];
  /** The stretch of time across the width, ms. */
  from: number;
  to: number;
  logs: TraceLog[];
}

/** What happened when, on one line: the span, the part it spent itself, errors and logs on it. */
export function Bar({ row, nodes, from, to, logs }: Props) {
  const length = to - from;
  const place = (ms: number) => (100 * (ms - from)) / length;
  const inside = (start: number, end: number) => end >= from && start <= to;
  if (row.kind === "repeat") {
    const first = row.nodes[0]?.span.start_ms ?? 0;
    const last = row.nodes.reduce((end, { span }) => Math.max(end, span.start_ms + span.duration_ms), first);
    const critical = row.nodes.some(({ span }) => span.critical);
    return (
      <div class="bars">
        {row.nodes
          .filter(({ span }) => inside(span.start_ms, span.start_ms + span.duration_ms))
          .slice(0, BARS)
          .map((node) => (
            <i
              key={node.index}
              class={`bar solid service-${serviceColour(row.service)}`}
              style={box(place(node.span.start_ms), place(node.span.start_ms + node.span.duration_ms))}
            />
          ))}
        {critical && inside(first, last) && <i class="bar-critical" style={box(place(first), place(last))} />}
        <Caption start={place(first)} end={place(last)} text={`${duration(row.total)} in all`} />
      </div>
    );
  }
  const { span } = row.node;
  const end = span.start_ms + span.duration_ms;
  if (!inside(span.start_ms, end)) {
    const before = end < from;
    return (
      <div class="bars">
        <span class={before ? "bar-off left" : "bar-off right"}>{before ? "‹" : "›"}</span>
      </div>
    );
  }
  const colour = serviceColour(span.service);
  const folded = !row.open || row.node.children.length === 0;
  return (
    <div class="bars">
      <i
        class={`bar ${folded ? "solid" : "pale"} service-${colour}`}
        style={box(place(span.start_ms), place(end))}
      />
      {!folded &&
        ownTime(nodes, row.node)
          .filter(([start, stop]) => inside(start, stop))
          .slice(0, BARS)
          .map(([start, stop]) => (
            <i key={start} class={`bar solid service-${colour}`} style={box(place(start), place(stop))} />
          ))}
      {span.critical && <i class="bar-critical" style={box(place(span.start_ms), place(end))} />}
      {(span.events ?? [])
        .filter((event) => inside(event.offset_ms, event.offset_ms))
        .slice(0, TICKS)
        .map((event, at) => (
          <i
            key={at}
            class={event.name === "exception" ? "tick tick-error" : "tick tick-event"}
            style={{ left: `${place(event.offset_ms)}%` }}
            title={`${visibleString(event.name)} at ${duration(event.offset_ms)}`}
          />
        ))}
      {logs
        .filter((log) => inside(log.offset_ms, log.offset_ms))
        .sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level))
        .slice(-TICKS)
        .map((log) => (
          <i
            key={log.id}
            class={`tick tick-${log.level.toLowerCase()}`}
            style={{ left: `${place(log.offset_ms)}%` }}
            title={`${log.level} at ${duration(log.offset_ms)}: ${visibleString(log.message.slice(0, 200))}`}
          />
        ))}
      <Caption start={place(span.start_ms)} end={place(end)} text={duration(span.duration_ms)} />
    </div>
  );
}

function box(start: number, end: number) {
  const left = Math.max(-0.5, start);
  return { left: `${left}%`, width: `${Math.min(100.5, end) - left}%` };
}

/** The duration, where there is room for it: after the bar, else before it, else on it. */
function Caption({ start, end, text }: { start: number; end: number; text: string }) {
  if (end < 86)
    return (
      <span class="bar-caption" style={{ left: `${Math.max(0, end)}%` }}>
        {text}
      </span>
    );
  if (start > 14)
    return (
      <span class="bar-caption before" style={{ right: `${100 - Math.min(100, start)}%` }}>
        {text}
      </span>
    );
  return <span class="bar-caption on">{text}</span>;
}
