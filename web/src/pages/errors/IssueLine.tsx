import type { Issue } from "../../api/errors";
import { memo } from "../../components/memo";
import { Sparkline } from "../../components/Sparkline";
import { Text } from "../../components/Text";
import { TickBox } from "../../components/TickBox";
import { zone } from "../../state/preferences";
import { ago, exact, plural, short } from "../../text/format";
import { Category, Status } from "./Marks";

interface Props {
  issue: Issue;
  index: number;
  selected: boolean;
  chosen: boolean;
  onOpen: (index: number) => void;
  onTick: (index: number) => void;
}

/** One issue of the list. */
export const IssueLine = memo(({ issue, index, selected, chosen, onOpen, onTick }: Props) => (
  <div
    id={`issue-${issue.id}`}
    class={`line issue-line${selected ? " selected" : ""}${chosen ? " chosen" : ""}`}
    role="row"
    tabIndex={-1}
    aria-rowindex={index + 1}
    aria-selected={selected}
    onClick={() => onOpen(index)}
  >
    <span role="gridcell">
      <TickBox ticked={chosen} onTick={() => onTick(index)} />
    </span>
    <span class="issue-what" role="gridcell">
      <span class="clip">
        <b class="issue-type">
          <Text value={issue.error_type || "Message"} limit={120} />
        </b>{" "}
        <Text value={issue.error_message} limit={300} />
      </span>
      <span class="dim clip">
        <Text value={[issue.culprit, issue.services.join(", ")].filter(Boolean).join(" · ")} limit={300} />
      </span>
    </span>
    <span role="gridcell">
      <Status status={issue.status} />
    </span>
    <span role="gridcell">
      <Category category={issue.category} />
    </span>
    <span role="gridcell">
      <Sparkline
        values={issue.sparkline}
        label={`${plural(sum(issue.sparkline), "time")} in the last 24 hours`}
      />
    </span>
    <span class="number" role="gridcell" title={plural(issue.occurrence_count, "occurrence")}>
      {short(issue.occurrence_count)}
    </span>
    <span class="number" role="gridcell">
      {short(issue.users)}
    </span>
    <span class="number" role="gridcell">
      {short(issue.jobs)}
    </span>
    <span
      role="gridcell"
      title={`First: ${exact(issue.first_seen, zone.value)}\nLast: ${exact(issue.last_seen, zone.value)}`}
    >
      {ago(issue.last_seen)}
    </span>
  </div>
));

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
