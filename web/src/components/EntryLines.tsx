import type { Entry } from "../api/types";
import { link } from "../state/location";
import { zone } from "../state/preferences";
import { clock, exact } from "../text/format";
import { Level } from "./Level";
import { Text } from "./Text";

interface Props {
  entries: Entry[];
  /** Id of the one that the others are around. */
  here?: string | null;
  /** Address of the list of logs that they are of; absent: that of all. */
  list?: string;
}

/** Log lines in short, each a way to itself. */
export function EntryLines({ entries, here = null, list }: Props) {
  return (
    <ol class="context-lines">
      {entries.map((entry) => (
        <li key={entry.id}>
          <a
            class={entry.id === here ? "context-line here" : "context-line"}
            href={list ? `${list}&log=${encodeURIComponent(entry.id)}` : link("/logs", { log: entry.id })}
          >
            <span class="line-time" title={exact(entry.timestamp, zone.value)}>
              {clock(entry.timestamp, zone.value)}
            </span>
            <Level level={entry.level} />
            <span class="clip">
              <Text value={entry.message} limit={300} />
            </span>
          </a>
        </li>
      ))}
    </ol>
  );
}
