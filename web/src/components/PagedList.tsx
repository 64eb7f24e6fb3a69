import type { ComponentChildren } from "preact";
import type { Paged } from "../state/paged";
import { Failed, Late, Skeleton, Stale } from "./States";
import { type Scroller, VirtualList } from "./VirtualList";

interface Props<Row> {
  paged: Paged<Row>;
  /** The row at a place, where that is more than what the server said. */
  at?: (index: number) => Row | undefined;
  /** What the list is, for screen readers. */
  label: string;
  /** What a row is: its element has the id `kind-id` and the class `kind-line`. */
  kind: string;
  id: (row: Row) => string;
  rowHeight: number;
  /** Widths of the columns, as of a grid; those of the style sheet when left out. */
  columns?: string;
  /** Rows drawn in the place of the first answer. */
  bones?: number;
  /** Place of the cursor; −1 for none. */
  cursor: { value: number };
  scroller: { current: Scroller | null };
  head: ComponentChildren;
  row: (row: Row, index: number) => ComponentChildren;
  /** What stands there when there is none. */
  nothing: ComponentChildren;
}

/** A list that comes page by page: drawn as it scrolls into sight, and what it says before, beside and instead. */
export function PagedList<Row>(props: Props<Row>) {
  const { paged, kind, id, columns } = props;
  const at = props.at ?? ((index: number) => paged.at(index));
  const total = paged.total.value;
  const failure = paged.failure.value;
  if (total === undefined) {
    if (failure) return <Failed failure={failure} retry={() => paged.retry()} />;
    return <div class="lines">{paged.slow.value && <Skeleton rows={props.bones ?? 14} />}</div>;
  }
  const count = paged.count.value;
  const place = (index: number) => {
    const row = at(index);
    return `${kind}-${row === undefined ? index : id(row)}`;
  };
  return (
    <div class="lines" style={columns === undefined ? undefined : { "--line-columns": columns }}>
      <Late on={paged.slow.value} />
      {failure && <Stale failure={failure} retry={() => paged.retry()} />}
      {count === 0 ? (
        props.nothing
      ) : (
        <VirtualList
          label={props.label}
          count={count}
          total={total}
          rowHeight={props.rowHeight}
          active={props.cursor.value}
          rowId={place}
          scroller={props.scroller}
          onWindow={(first, last) => paged.window(first, last)}
          head={props.head}
          row={(index) => {
            const row = at(index);
            if (row === undefined)
              return (
                <div
                  key={`gap-${index}`}
                  class={`line ${kind}-line line-gap`}
                  role="row"
                  aria-hidden="true"
                />
              );
            return props.row(row, index);
          }}
        />
      )}
    </div>
  );
}
