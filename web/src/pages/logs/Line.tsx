import { Fragment } from "preact";
import type { Entry } from "../../api/types";
import { Level } from "../../components/Level";
import { memo } from "../../components/memo";
import { Text } from "../../components/Text";
import { serviceColour } from "../../state/server";
import { clock, day, duration, exact, type Zone } from "../../text/format";
import { fieldOf, preview } from "./values";

/** Characters of a message that are drawn in a row. */
const LONGEST = 600;

interface Props {
  entry: Entry;
  index: number;
  selected: boolean;
  opened: boolean;
  /** Fields shown as columns. */
  columns: string[];
  marks: string[];
  zone: Zone;
  /** Show the day beside the time. */
  days: boolean;
  onOpen: (index: number) => void;
}

/** One line of the list. */
export const Line = memo((props: Props) => {
  const { entry, index, selected, opened, columns, marks, zone, days, onOpen } = props;
  const state = `${selected ? " selected" : ""}${opened ? " opened" : ""}`;
  return (
    <div
      id={`line-${entry.id}`}
      class={`line level-row-${entry.level.toLowerCase()}${state}`}
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-selected={selected}
      onClick={() => onOpen(index)}
    >
      <span class="line-time" role="gridcell" title={exact(entry.timestamp, zone)}>
        {days && <span class="line-day">{day(entry.timestamp, zone)} </span>}
        {clock(entry.timestamp, zone)}
      </span>
      <Level level={entry.level} role="gridcell" />
      <span class="line-service clip" role="gridcell">
        {entry.service && (
          <>
            <i class={`dot service-${serviceColour(entry.service)}`} />
            <Text value={entry.service} limit={100} />
          </>
        )}
      </span>
      {columns.map((field) => (
        <span key={field} class="line-cell clip" role="gridcell">
          <Cell entry={entry} field={field} />
        </span>
      ))}
      <span class="line-message clip" role="gridcell">
        {entry.exception?.type && <span class="line-exception">{entry.exception.type}</span>}
        <Text value={entry.message} marks={marks} limit={LONGEST} />
        {entry.extra && (
          <span class="line-extra">
            {preview(entry).map(([name, value]) => (
              <Fragment key={name}>
                {" "}
                <b>
                  <Text value={name} />
                </b>
                =<Text value={value} />
              </Fragment>
            ))}
          </span>
        )}
      </span>
    </div>
  );
});

function Cell({ entry, field }: { entry: Entry; field: string }) {
  const value = fieldOf(entry, field);
  if (value === undefined || value === null) return <span class="dim">–</span>;
  if (field === "duration_ms" && typeof value === "number") return <>{duration(value)}</>;
  return <Text value={typeof value === "object" ? JSON.stringify(value) : String(value)} limit={200} />;
}
