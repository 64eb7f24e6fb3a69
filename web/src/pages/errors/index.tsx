import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import {
  CATEGORIES,
  type Category,
  type Issue,
  type IssuePage,
  type IssueStatus,
  STATUSES,
} from "../../api/errors";
import { type Failure, get } from "../../api/client";
import { Elsewhere } from "../../components/Elsewhere";
import { Icon } from "../../components/Icon";
import { Choice } from "../../components/Menu";
import { PagedList } from "../../components/PagedList";
import { SearchField } from "../../components/SearchField";
import { Command, Empty, Stale } from "../../components/States";
import type { Scroller } from "../../components/VirtualList";
import { useKeys, walking } from "../../state/keyboard";
import { link, navigate } from "../../state/location";
import { type Fetch, Paged } from "../../state/paged";
import { plural } from "../../text/format";
import { ACTIONS, act, merge } from "./actions";
import { categories, choose, filter, OPEN, SORTS, type Sort, sort, statuses, text } from "./filter";
import { IssueLine } from "./IssueLine";
import "./errors.css";

type Key = keyof typeof ACTIONS;

const ROW = 48;
const COLUMNS = "28px minmax(240px, 1fr) 108px 104px 100px 76px 60px 60px 90px";

function fetchIssues(): Fetch<Issue> {
  const asked = filter.peek();
  return async (cursor, limit, signal) => {
    const search = new URLSearchParams(asked);
    search.set("limit", String(limit));
    if (cursor) search.set("cursor", cursor);
    const page = await get<IssuePage>(`/v1/errors?${search}`, signal);
    return { rows: page.errors, total: page.total, next: page.next };
  };
}

/** Errors to work off, as a mail client shows mail: move with j and k, decide with one key, go on. */
export default function Errors() {
  const paged = useMemo(() => new Paged<Issue>(500), []);
  const cursor = useSignal(0);
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  /** What was changed here, before the list is asked again. */
  const changed = useSignal<ReadonlyMap<string, Partial<Issue>>>(new Map());
  const failure = useSignal<Failure | undefined>(undefined);
  const scroller = useRef<Scroller | null>(null);

  const load = () =>
    paged.restart(fetchIssues()).then(() => {
      changed.value = new Map();
      cursor.value = Math.min(cursor.peek(), Math.max(0, paged.count.peek() - 1));
    });
  useEffect(() => {
    cursor.value = 0;
    chosen.value = new Set();
    void load().then(() => scroller.current?.toTop());
  }, [filter.value]);
  useEffect(() => () => paged.stop(), [paged]);

  const at = (index: number) => {
    const issue = paged.at(index);
    const own = issue && changed.value.get(issue.id);
    return own ? { ...issue, ...own } : issue;
  };
  const open = (index: number) => {
    const issue = paged.at(index);
    if (issue) navigate(link(`/errors/${encodeURIComponent(issue.id)}`));
  };
  const step = (by: number) => {
    const count = paged.count.peek();
    if (count === 0) return false;
    cursor.value = Math.max(0, Math.min(count - 1, cursor.peek() + by));
    scroller.current?.reveal(cursor.peek());
    return true;
  };
  const tick = (index: number) => {
    const issue = paged.at(index);
    if (!issue) return;
    const next = new Set(chosen.peek());
    if (!next.delete(issue.id)) next.add(issue.id);
    chosen.value = next;
  };
  /** The issues that an action means: the ticked ones, else the one under the cursor. */
  const meant = () => {
    if (chosen.peek().size > 0) return [...chosen.peek()];
    const issue = paged.at(cursor.peek());
    return issue ? [issue.id] : [];
  };
  const run = async (name: Key) => {
    const ids = meant();
    if (ids.length === 0) return;
    const one = chosen.peek().size === 0;
    const { status } = ACTIONS[name];
    changed.value = new Map<string, Partial<Issue>>([
      ...changed.peek(),
      ...ids.map((id): [string, Partial<Issue>] => [id, { status }]),
    ]);
    chosen.value = new Set();
    if (one) step(1);
    failure.value = await act(name, ids);
    if (failure.value) changed.value = new Map();
  };
  const join = async () => {
    const ids = [...chosen.peek()];
    if (ids.length < 2) return;
    chosen.value = new Set();
    failure.value = await merge(ids);
    await load();
  };
  useKeys({
    ...walking(step, () => open(cursor.peek())),
    x: () => tick(cursor.peek()),
    Escape: () => {
      if (chosen.peek().size === 0) return false;
      chosen.value = new Set();
      return true;
    },
    m: () => void join(),
    ...Object.fromEntries(
      Object.entries(ACTIONS).map(([name, { key }]) => [key, () => void run(name as Key)]),
    ),
  });

  const total = paged.total.value;
  return (
    <div class="errors">
      <div class="row errors-top">
        <SearchField
          label="Search errors"
          placeholder="Type, message or place  ( / )"
          value={text.value}
          onAsk={(q) => choose({ q })}
        />
        <Choice
          label="Status"
          none={statuses.value === OPEN ? "Open" : "All"}
          options={STATUSES.map((name) => ({ name }))}
          chosen={statuses.value === OPEN ? [] : statuses.value}
          onChange={(names) => choose({ status: names as IssueStatus[] })}
        />
        <button
          type="button"
          class="button"
          aria-pressed={statuses.value.length === 0}
          onClick={() => choose({ status: statuses.value.length === 0 ? OPEN : "all" })}
        >
          All
        </button>
        <Choice
          label="Category"
          none="All categories"
          options={CATEGORIES.map((name) => ({ name }))}
          chosen={categories.value}
          onChange={(names) => choose({ category: names as Category[] })}
        />
        <label class="row">
          <span class="dim">Sort by</span>
          <select
            class="input"
            aria-label="Sort by"
            value={sort.value}
            onChange={(event) => choose({ sort: event.currentTarget.value as Sort })}
          >
            {Object.entries(SORTS).map(([name, says]) => (
              <option key={name} value={name}>
                {says}
              </option>
            ))}
          </select>
        </label>
        <span class="grow" />
        {total !== undefined && <b class="errors-total">{plural(total, "error")}</b>}
      </div>
      <div class="row errors-actions" role="toolbar" aria-label="What to do">
        <span class="dim errors-chosen">
          {chosen.value.size > 0 ? `${chosen.value.size} chosen` : "this one"}
        </span>
        {(Object.keys(ACTIONS) as Key[]).map((name) => (
          <button key={name} type="button" class="button small" onClick={() => void run(name)}>
            {ACTIONS[name].says} <kbd>{ACTIONS[name].key}</kbd>
          </button>
        ))}
        <button
          type="button"
          class="button small"
          disabled={chosen.value.size < 2}
          onClick={() => void join()}
        >
          Merge <kbd>m</kbd>
        </button>
        <span class="grow" />
        <span class="dim">
          <kbd>j</kbd> <kbd>k</kbd> move · <kbd>x</kbd> choose · <kbd>Enter</kbd> open
        </span>
      </div>
      {failure.value && <Stale failure={failure.value} retry={() => void load()} />}
      <PagedList
        paged={paged}
        at={at}
        label="Errors"
        kind="issue"
        id={(issue) => issue.id}
        rowHeight={ROW}
        columns={COLUMNS}
        cursor={cursor}
        scroller={scroller}
        head={<Head />}
        nothing={<Nothing />}
        row={(issue, index) => (
          <IssueLine
            key={issue.id}
            issue={issue}
            index={index}
            selected={cursor.value === index}
            chosen={chosen.value.has(issue.id)}
            onOpen={open}
            onTick={tick}
          />
        )}
      />
    </div>
  );
}

function Head() {
  return (
    <div class="line line-head" role="row">
      <span role="columnheader" />
      <span role="columnheader">Error</span>
      <span role="columnheader">Status</span>
      <span role="columnheader">Category</span>
      <span role="columnheader">24 hours</span>
      <span role="columnheader" class="number">
        Times
      </span>
      <span role="columnheader" class="number">
        Users
      </span>
      <span role="columnheader" class="number">
        Jobs
      </span>
      <span role="columnheader">Last seen</span>
    </div>
  );
}

function Nothing() {
  const narrowed = text.value !== "" || categories.value.length > 0 || statuses.value !== OPEN;
  return (
    <Empty title={narrowed ? "No error matches" : "No open errors in this time range"}>
      {narrowed ? (
        <button type="button" class="button" onClick={() => choose({ q: "", category: [], status: OPEN })}>
          <Icon name="close" size={14} /> Show all open errors
        </button>
      ) : (
        <>
          <p>Exceptions that are logged or that nobody handles come here by themselves; others with</p>
          <Command text="plainview.capture_exception()" />
        </>
      )}
      <Elsewhere />
    </Empty>
  );
}
