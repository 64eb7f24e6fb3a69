import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { listOperations, type Operation, STATUSES, type Summary } from "../../api/operations";
import { operationUrl } from "../../components/doors";
import { Elsewhere } from "../../components/Elsewhere";
import { Icon } from "../../components/Icon";
import { Choice } from "../../components/Menu";
import { STATUS_SIGNS } from "../../components/OperationStatus";
import { SearchField } from "../../components/SearchField";
import { Command, Empty, Failed, Late, Skeleton, Stale } from "../../components/States";
import { useKeys, walking } from "../../state/keyboard";
import { navigate, update } from "../../state/location";
import { type Fetch, Paged } from "../../state/paged";
import { zone } from "../../state/preferences";
import { instant, range } from "../../state/range";
import { plural } from "../../text/format";
import {
  chooseStatuses,
  listed,
  listKey,
  name,
  narrowed,
  type Order,
  order,
  page,
  statuses,
  text,
} from "./filter";
import { OperationLine } from "./OperationLine";

const FURTHER = 200;
const DAY_MS = 86_400_000;

function fetchOperations(): Fetch<Operation> {
  const asked = listed().toString();
  return async (cursor, limit, signal) => {
    const search = new URLSearchParams(asked);
    search.set("limit", String(limit));
    if (cursor) search.set("cursor", cursor);
    const found = await listOperations(search, signal);
    return { rows: found.operations, total: found.total, next: found.next };
  };
}

interface Props {
  /** Another one says that something may have changed: the first page is asked for again. */
  summary: Summary | undefined;
  /** Names that there are. */
  names: string[];
}

/** The operations one by one, the latest first. */
export function List({ summary, names }: Props) {
  const paged = useMemo(() => new Paged<Operation>(FURTHER), []);
  const cursor = useSignal(-1);
  const waiting = useRef(0);
  const load = () => {
    waiting.current += 1;
    void paged.restart(fetchOperations()).finally(() => {
      waiting.current -= 1;
    });
  };
  useEffect(() => {
    cursor.value = -1;
    load();
  }, [listKey.value]);
  useEffect(() => {
    if (waiting.current === 0 && paged.count.peek() <= FURTHER) load();
  }, [summary]);
  useEffect(() => () => paged.stop(), [paged]);

  const openAt = useMemo(
    () => (index: number) => {
      const operation = paged.at(index);
      if (operation) navigate(operationUrl(operation.operation_id));
    },
    [paged],
  );
  const step = (by: number) => {
    const count = paged.count.peek();
    if (count === 0) return false;
    cursor.value = Math.max(0, Math.min(count - 1, cursor.peek() + by));
    const id = paged.at(cursor.peek())?.operation_id;
    document.getElementById(`operation-${id}`)?.scrollIntoView({ block: "nearest" });
    return true;
  };
  useKeys({
    ...walking(step, () => (cursor.peek() >= 0 ? openAt(cursor.peek()) : false)),
  });
  const total = paged.total.value;
  return (
    <section class="operations-list" aria-label={page.value.title}>
      <div class="row operations-filter">
        <SearchField
          label={`Search ${page.value.many}`}
          placeholder="Name, id, step or reason  ( / )"
          value={text.value}
          onAsk={(q) => update({ q })}
        />
        <Choice
          label="Status"
          none="All statuses"
          options={STATUSES.map((each) => ({ name: each, note: STATUS_SIGNS[each].sign }))}
          chosen={statuses.value}
          onChange={chooseStatuses}
        />
        <Choice
          label={page.value.type}
          none={`Every ${page.value.type.toLowerCase()}`}
          options={names.map((each) => ({ name: each }))}
          chosen={name.value === "" ? [] : [name.value]}
          onChange={(picked) => update({ name: picked.at(-1) ?? null })}
        />
        {narrowed.value && (
          <button type="button" class="button" onClick={clear}>
            <Icon name="close" size={14} /> Clear
          </button>
        )}
        <span class="grow" />
        {total !== undefined && <b>{plural(total, page.value.one, page.value.many)}</b>}
      </div>
      <Rows paged={paged} cursor={cursor.value} openAt={openAt} />
    </section>
  );
}

function clear(): void {
  update({ q: null, status: null, name: null });
}

interface RowsProps {
  paged: Paged<Operation>;
  cursor: number;
  openAt: (index: number) => void;
}

function Rows({ paged, cursor, openAt }: RowsProps) {
  const total = paged.total.value;
  const failure = paged.failure.value;
  if (total === undefined) {
    if (failure) return <Failed failure={failure} retry={() => paged.retry()} />;
    return <div class="operations-rows">{paged.slow.value && <Skeleton rows={12} />}</div>;
  }
  const count = paged.count.value;
  if (count === 0) return <Nothing />;
  const days = instant(range.value.to) - instant(range.value.from) > DAY_MS / 2;
  const rows = Array.from({ length: count }, (_, at) => paged.at(at));
  const longest = Math.max(1e-6, ...rows.map((each) => each?.duration_ms ?? 0));
  const active = rows[cursor];
  return (
    <div class="operations-rows">
      <Late on={paged.slow.value} />
      {failure && <Stale failure={failure} retry={() => paged.retry()} />}
      <div
        role="grid"
        class={days ? "operation-grid days" : "operation-grid"}
        aria-label={page.value.title}
        aria-rowcount={total}
        tabIndex={0}
        aria-activedescendant={active ? `operation-${active.operation_id}` : undefined}
      >
        <Head />
        <div role="rowgroup">
          {rows.map(
            (operation, index) =>
              operation && (
                <OperationLine
                  key={operation.operation_id}
                  operation={operation}
                  index={index}
                  selected={cursor === index}
                  longest={longest}
                  zone={zone.value}
                  days={days}
                  onOpen={openAt}
                />
              ),
          )}
        </div>
      </div>
      {count < total && (
        <p class="operations-more">
          <button type="button" class="button" onClick={() => void paged.more()}>
            Show {Math.min(FURTHER, total - count)} more
          </button>
        </p>
      )}
    </div>
  );
}

function Head() {
  return (
    <div role="rowgroup">
      <div class="line line-head" role="row">
        <span role="columnheader">Status</span>
        <span role="columnheader">{page.value.type}</span>
        <span role="columnheader">Id</span>
        <Sorted by="started_at" says="Started" />
        <Sorted by="duration_ms" says="Duration" />
        <Sorted by="last_seen" says="How it went" />
        <span role="columnheader">Service</span>
        <span role="columnheader" class="number">
          Try
        </span>
      </div>
    </div>
  );
}

function Sorted({ by, says }: { by: Order; says: string }) {
  const on = order.value === by;
  return (
    <span role="columnheader" aria-sort={on ? "descending" : "none"}>
      <button
        type="button"
        class="sort"
        title={by === "last_seen" ? "By when it was last heard of" : undefined}
        onClick={() => update({ sort: by === "started_at" ? null : by })}
      >
        {says} {on && "↓"}
      </button>
    </span>
  );
}

function Nothing() {
  if (narrowed.value) {
    return (
      <Empty title={`No ${page.value.one} matches`}>
        <button type="button" class="button" onClick={clear}>
          <Icon name="close" size={14} /> Show all
        </button>
        <Elsewhere />
      </Empty>
    );
  }
  return (
    <Empty title={`No ${page.value.many} in this time range`}>
      <p>One line around the work makes it one:</p>
      <Command text={page.value.code} />
      <p class="dim">{page.value.hint}</p>
      <Elsewhere />
    </Empty>
  );
}
