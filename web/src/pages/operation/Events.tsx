import type { OperationEvent } from "../../api/operations";
import { Text } from "../../components/Text";
import { zone } from "../../state/preferences";
import { duration, exact } from "../../text/format";
import { folded, gravity, repeated, told } from "./model";

const SIGNS = { error: "×", warning: "▲", note: "◆", none: "·" } as const;

/** What it told, in turn; what repeats is one line. */
export function Events({ events, from }: { events: OperationEvent[]; from: number }) {
  if (events.length === 0) return null;
  return (
    <section aria-label="Events">
      <h2>Events</h2>
      <ol class="event-list">
        {folded(events).map((line, at) => {
          const grave = gravity(line.event);
          return (
            <li key={at} class={`event-line event-${grave}`}>
              <span class="line-time number" title={exact(line.event.timestamp, zone.value)}>
                +{duration(Math.max(0, Date.parse(line.event.timestamp) - from))}
              </span>
              <i aria-hidden="true">{SIGNS[grave]}</i>
              <span class="event-text">
                <Text value={told(line.event)} limit={1000} />
                {line.times > 1 && (
                  <span class="dim">
                    {" "}
                    <Text value={repeated(line)} limit={200} />
                  </span>
                )}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
