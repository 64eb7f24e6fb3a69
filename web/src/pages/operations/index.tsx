import { useSignal } from "@preact/signals";
import { summarise } from "../../api/operations";
import { Failed, Skeleton } from "../../components/States";
import { update } from "../../state/location";
import { moving, range } from "../../state/range";
import { useResource } from "../../state/resource";
import { kind, page, scope, scopeKey } from "./filter";
import { PLACED } from "./kinds";
import { List } from "./List";
import { Names } from "./Names";
import { Overview } from "./Overview";
import { Running } from "./Running";
import { Tabs } from "./Tabs";

/** How often counts and the list are asked for again, when nothing is seen to begin or end. */
const EVERY_MS = 10_000;
const BUCKETS = 60;

/** One kind of work: what runs now, what was done, how fast, how well, and each one of it. */
export default function Operations() {
  const changes = useSignal(0);
  const answer = useResource(
    `${scopeKey.value} ${changes.value}`,
    (signal) => {
      const search = scope(true);
      search.set("kind", kind.value);
      search.set("buckets", String(BUCKETS));
      return summarise(search, signal);
    },
    0,
    moving(range.value) ? EVERY_MS : 0,
  );
  const found = answer.data.value;
  return (
    <Tabs>
      <div class="operations-body">
        <div class="operations-main">
          {page.value.path === "/tasks" && <Kinds />}
          <Overview answer={answer} />
          {found ? (
            <Names answer={found} />
          ) : answer.failure.value ? (
            <Failed failure={answer.failure.value} retry={answer.retry} />
          ) : (
            answer.slow.value && <Skeleton rows={5} />
          )}
          <List summary={found} names={(found?.names ?? []).map((each) => each.name)} />
        </div>
        <Running
          changed={() => {
            changes.value += 1;
          }}
        />
      </div>
    </Tabs>
  );
}

/** Kinds that have no page of their own: tasks, stages, and the application's. */
function Kinds() {
  const answer = useResource(scopeKey.value, (signal) => summarise(scope(true), signal));
  const seen = (answer.data.value?.kinds ?? []).filter(
    (each) => !PLACED.has(each.kind) || each.kind === "task",
  );
  const names = [...new Set([kind.value, "task", ...seen.map((each) => each.kind)])].sort();
  return (
    <div class="row operations-kinds" role="group" aria-label="Kind">
      {names.map((each) => (
        <button
          key={each}
          type="button"
          class="button small"
          aria-pressed={kind.value === each}
          onClick={() => update({ kind: each === "task" ? null : each, name: null, why: null })}
        >
          {each}
        </button>
      ))}
    </div>
  );
}
