import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { STATUSES, summarise } from "../../api/operations";
import { listRuns, type Run } from "../../api/runs";
import { Elsewhere } from "../../components/Elsewhere";
import { Icon } from "../../components/Icon";
import { Choice } from "../../components/Menu";
import { PagedList } from "../../components/PagedList";
import { SearchField } from "../../components/SearchField";
import { Command, Empty } from "../../components/States";
import type { Scroller } from "../../components/VirtualList";
import { useKeys, walking } from "../../state/keyboard";
import { link, navigate } from "../../state/location";
import { type Fetch, Paged } from "../../state/paged";
import { moving, range } from "../../state/range";
import { useResource } from "../../state/resource";
import { plural } from "../../text/format";
import {
  chosen,
  comparison,
  filter,
  narrow,
  narrowed,
  names,
  scope,
  statuses,
  text,
  tick,
  untick,
} from "./filter";
import { RunLine } from "./RunLine";
import "./runs.css";

const ROW = 48;
/** How often runs are looked at that go on, and whether there are new ones. */
const RUNNING_MS = 2000;
const IDLE_MS = 10_000;
/** Runs that are looked at again: the newest, where those that go on are. */
const WATCHED = 100;

export const CODE = 'with plainview.run("simulate", params={"years": 30}) as run:';

function fetchRuns(asked: string): Fetch<Run> {
  return async (cursor, limit, signal) => {
    const search = new URLSearchParams(asked);
    search.set("limit", String(limit));
    if (cursor) search.set("cursor", cursor);
    const page = await listRuns(search, signal);
    return { rows: page.runs, total: page.total, next: page.next };
  };
}

/** The runs there were, the newest first; two of them can be laid side by side. */
export default function Runs() {
  const paged = useMemo(() => new Paged<Run>(500), []);
  const cursor = useSignal(0);
  /** What was heard of runs since the list was asked for. */
  const fresh = useSignal<ReadonlyMap<string, Run>>(new Map());
  const scroller = useRef<Scroller | null>(null);

  const load = () => {
    fresh.value = new Map();
    return paged.restart(fetchRuns(filter.peek()));
  };
  useEffect(() => {
    cursor.value = 0;
    void load().then(() => scroller.current?.toTop());
  }, [filter.value]);
  useEffect(() => () => paged.stop(), [paged]);

  const at = (index: number) => {
    const run = paged.at(index);
    return run && (fresh.value.get(run.run_id) ?? run);
  };
  watch(paged, at, (runs) => {
    if (runs.some((run, place) => paged.at(place)?.run_id !== run.run_id)) {
      const here = paged.at(cursor.peek())?.run_id;
      void load().then(() => {
        const place = runs.findIndex((run) => run.run_id === here);
        if (place >= 0) cursor.value = place;
      });
    } else fresh.value = new Map([...fresh.peek(), ...runs.map((run): [string, Run] => [run.run_id, run])]);
  });

  const open = (index: number) => {
    const run = paged.at(index);
    if (run) navigate(link(`/runs/${encodeURIComponent(run.run_id)}`));
  };
  const step = (by: number) => {
    const count = paged.count.peek();
    if (count === 0) return false;
    cursor.value = Math.max(0, Math.min(count - 1, cursor.peek() + by));
    scroller.current?.reveal(cursor.peek());
    return true;
  };
  const toggle = (index: number) => {
    const run = paged.at(index);
    if (run) tick(run.run_id);
  };
  /** Those that are compared: the ticked ones; beside a single one, the one under the cursor. */
  const sides = (): [Run, Run] | undefined => {
    const ticked = known(paged, chosen.value);
    const here = paged.at(cursor.value);
    if (ticked.length === 1 && here && here.run_id !== ticked[0]?.run_id) ticked.push(here);
    return ticked.length === 2 ? (ticked as [Run, Run]) : undefined;
  };
  const compare = () => {
    const [one, other] = sides() ?? [];
    if (!one || !other) return false;
    navigate(comparison(one, other));
    return true;
  };
  useKeys({
    ...walking(step, () => open(cursor.peek())),
    x: () => toggle(cursor.peek()),
    c: compare,
    Escape: () => {
      if (chosen.peek().length === 0) return false;
      untick();
      return true;
    },
  });

  const total = paged.total.value;
  const pair = sides();
  return (
    <div class="runs">
      <div class="row runs-top">
        <SearchField
          label="Search runs"
          placeholder="Name or id  ( / )"
          value={text.value}
          onAsk={(q) => narrow({ q })}
        />
        <Names />
        <Choice
          label="Status"
          none="All statuses"
          options={STATUSES.map((name) => ({ name }))}
          chosen={statuses.value}
          onChange={(status) => narrow({ status })}
        />
        <span class="grow" />
        <span class="dim runs-keys">
          <kbd>x</kbd> choose · <kbd>Enter</kbd> open
        </span>
        <button type="button" class="button" disabled={!pair} onClick={compare}>
          Compare {chosen.value.length > 0 && `(${chosen.value.length} chosen) `}
          <kbd>c</kbd>
        </button>
        {total !== undefined && <b class="runs-total">{plural(total, "run")}</b>}
      </div>
      <PagedList
        paged={paged}
        at={at}
        label="Runs"
        kind="run"
        id={(run) => run.run_id}
        rowHeight={ROW}
        cursor={cursor}
        scroller={scroller}
        head={<Head />}
        nothing={<Nothing />}
        row={(run, index) => (
          <RunLine
            key={run.run_id}
            run={run}
            index={index}
            selected={cursor.value === index}
            chosen={chosen.value.includes(run.run_id)}
            onOpen={open}
            onTick={toggle}
          />
        )}
      />
    </div>
  );
}

/** The runs with these ids, as far as they are loaded. */
function known(paged: Paged<Run>, ids: string[]): Run[] {
  const found: Run[] = [];
  for (let index = 0; index < paged.count.value && found.length < ids.length; index += 1) {
    const run = paged.at(index);
    if (run && ids.includes(run.run_id)) found.push(run);
  }
  return found;
}

/** Looks again and again at the newest runs: faster while one of them goes on. */
function watch(
  paged: Paged<Run>,
  at: (index: number) => Run | undefined,
  heard: (runs: Run[]) => void,
): void {
  const loaded = paged.total.value !== undefined;
  let running = false;
  for (let index = 0; index < Math.min(WATCHED, paged.count.value); index += 1)
    running ||= at(index)?.status === "running";
  const on = loaded && moving(range.value);
  const answer = useResource(
    on ? filter.value : null,
    async (signal) => {
      const search = new URLSearchParams(filter.peek());
      search.set("limit", String(WATCHED));
      return (await listRuns(search, signal)).runs;
    },
    RUNNING_MS,
    running ? RUNNING_MS : IDLE_MS,
  );
  const runs = answer.data.value;
  useEffect(() => {
    if (runs) heard(runs);
  }, [runs]);
}

/** Chooses runs of one name. */
function Names() {
  const answer = useResource(scope.value.toString(), (signal) => {
    const search = new URLSearchParams(scope.peek());
    search.set("kind", "run");
    return summarise(search, signal);
  });
  const options = (answer.data.value?.names ?? []).map(({ name, count }) => ({ name, note: String(count) }));
  return (
    <Choice
      label="Name"
      none="All names"
      options={options}
      chosen={names.value}
      onChange={(chosen) => narrow({ name: chosen.at(-1) ?? "" })}
    />
  );
}

const COLUMNS: [name: string, class_: string][] = [
  ["", ""],
  ["Status", ""],
  ["Run", ""],
  ["Started", ""],
  ["Duration, and those before", ""],
  ["Rows", "number"],
  ["Rate", "number run-rate"],
  ["Peak memory", "number run-memory"],
  ["Checks", "run-checks"],
  ["Errors", "number"],
  ["Warnings", "number"],
  ["Commit", "run-commit"],
];

function Head() {
  return (
    <div class="line line-head" role="row">
      {COLUMNS.map(([name, class_]) => (
        <span key={name} role="columnheader" class={`clip ${class_}`} title={name}>
          {name}
        </span>
      ))}
    </div>
  );
}

function Nothing() {
  if (narrowed.value) {
    return (
      <Empty title="No run matches">
        <button type="button" class="button" onClick={() => narrow({ q: "", name: "", status: [] })}>
          <Icon name="close" size={14} /> Show all runs
        </button>
        <Elsewhere />
      </Empty>
    );
  }
  return (
    <Empty title="No runs in this time range">
      <p>
        Everything inside one carries its id; it ends with a summary and can be compared with those before.
      </p>
      <Command text={CODE} />
      <Elsewhere />
    </Empty>
  );
}
