import type { TraceLog } from "../../api/types";
import { Icon } from "../../components/Icon";
import { memo } from "../../components/memo";
import { Text } from "../../components/Text";
import { serviceColour } from "../../state/server";
import { visibleString } from "../../text/visible";
import { Bar } from "./Bar";
import type { Node, Row } from "./model";

const INDENT = 12;
/** Deeper levels are not indented any further. */
const DEEPEST = 24;

interface Props {
  row: Row;
  index: number;
  nodes: Node[];
  from: number;
  to: number;
  logs: TraceLog[];
  selected: boolean;
  opened: boolean;
  marks: string[];
  /** A search is on and this is no hit. */
  faint: boolean;
  onPick: (index: number) => void;
  onFold: (index: number) => void;
}

/** One row of the waterfall: what at the left, when at the right. */
export const WaterfallRow = memo((props: Props) => {
  const { row, index, nodes, selected, opened, marks, faint, onPick, onFold } = props;
  const repeat = row.kind === "repeat";
  const name = repeat ? row.name : row.node.span.name;
  const service = repeat ? row.service : row.node.span.service;
  const failed = !repeat && row.node.span.status === "ERROR";
  const critical = repeat ? row.nodes.some(({ span }) => span.critical) : row.node.span.critical;
  const foldable = repeat || row.node.children.length > 0;
  const hidden = repeat ? row.nodes.length : row.node.below;
  const state = `${selected ? " selected" : ""}${opened ? " opened" : ""}${faint ? " faint" : ""}${failed ? " failed" : ""}`;
  return (
    <div
      id={`row-${row.key}`}
      class={`waterfall-row${state}`}
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 1}
      aria-level={row.depth + 1}
      aria-selected={selected}
      {...(foldable ? { "aria-expanded": row.open } : {})}
      onClick={() => onPick(index)}
    >
      <span
        class="waterfall-name"
        role="gridcell"
        style={{ paddingLeft: `${Math.min(row.depth, DEEPEST) * INDENT + 4}px` }}
      >
        {foldable ? (
          <button
            type="button"
            class="fold"
            tabIndex={-1}
            title={row.open ? "Fold" : `Unfold ${hidden}`}
            aria-label={row.open ? "Fold" : "Unfold"}
            onClick={(event) => {
              event.stopPropagation();
              onFold(index);
            }}
          >
            <Icon name={row.open ? "down" : "right"} size={12} />
          </button>
        ) : (
          <span class="fold" />
        )}
        <i class={`dot service-${serviceColour(service)}`} title={visibleString(service)} />
        {failed && (
          <span class="failed-icon">
            <Icon name="error" size={12} />
            <span class="unseen">failed</span>
          </span>
        )}
        <span class={critical ? "clip critical" : "clip"} title={visibleString(name)}>
          <Text value={name} marks={marks} limit={200} />
        </span>
        {repeat && <b class="times">×{row.nodes.length}</b>}
        {!repeat && !row.open && hidden > 0 && <b class="times">+{hidden}</b>}
        <span class="waterfall-service clip">
          <Text value={service} limit={40} />
        </span>
      </span>
      <span class="waterfall-time" role="gridcell">
        <Bar row={row} nodes={nodes} from={props.from} to={props.to} logs={props.logs} />
      </span>
    </div>
  );
});
