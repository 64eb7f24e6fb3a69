import { useRef } from "preact/hooks";
import { heardAfter, listOperations, type Operation, share } from "../../api/operations";
import { operationUrl } from "../../components/doors";
import { OperationStatus } from "../../components/OperationStatus";
import { Progress } from "../../components/Progress";
import { Failed, Skeleton } from "../../components/States";
import { Text } from "../../components/Text";
import { useBeat } from "../../state/beat";
import { environments, services } from "../../state/scope";
import { useResource } from "../../state/resource";
import { count, duration, plural, whole } from "../../text/format";
import { remaining } from "../../text/remaining";
import { kind, page, scope, toggleStatus } from "./filter";

/** How often it is asked what goes on, and how often the time that has passed is drawn. */
const EVERY_MS = 2000;
const SECOND_MS = 1000;
const MOST = 50;

interface Props {
  /** Something began or ended. */
  changed: () => void;
}

/** What runs now, with its progress, and what waits. */
export function Running({ changed }: Props) {
  const key = JSON.stringify([kind.value, services.value, environments.value]);
  const known = useRef("");
  const at = useRef(Date.now());
  const answer = useResource(
    key,
    async (signal) => {
      const search = scope(false);
      search.set("kind", kind.value);
      search.append("status", "running");
      search.append("status", "queued");
      search.set("limit", String(MOST));
      const found = await listOperations(search, signal);
      at.current = Date.now();
      const ids = `${key} ${found.operations.map((each) => each.operation_id + each.status).join()}`;
      if (known.current.startsWith(key) && known.current !== ids) changed();
      known.current = ids;
      return found;
    },
    0,
    EVERY_MS,
  );
  const found = answer.data.value;
  const running = found?.operations.filter((each) => each.status === "running") ?? [];
  const queued = found?.operations.filter((each) => each.status === "queued") ?? [];
  return (
    <aside class="running" aria-label="Now">
      <h2 class="row">
        <span class="grow">Running now</span>
        {found && <span class="dim">{count(running.length)}</span>}
      </h2>
      {!found && answer.failure.value && <Failed failure={answer.failure.value} retry={answer.retry} />}
      {!found && answer.slow.value && <Skeleton rows={4} />}
      {found && running.length === 0 && <p class="dim running-none">No {page.value.one} runs.</p>}
      <ul class="running-list">
        {running.map((each) => (
          <li key={each.operation_id}>
            <Item operation={each} since={at.current} />
          </li>
        ))}
      </ul>
      {queued.length > 0 && (
        <>
          <h2 class="row">
            <span class="grow">Waiting</span>
            <span class="dim">{count(queued.length)}</span>
          </h2>
          <ul class="running-list">
            {queued.map((each) => (
              <li key={each.operation_id}>
                <a class="running-item" href={operationUrl(each.operation_id)}>
                  <Title operation={each} />
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
      {found && found.total > found.operations.length && (
        <button type="button" class="button small" onClick={() => toggleStatus("running")}>
          {plural(found.total - found.operations.length, "more", "more")}
        </button>
      )}
    </aside>
  );
}

function Title({ operation }: { operation: Operation }) {
  return (
    <span class="running-title">
      <OperationStatus status={operation.status} sign />
      <b class="clip">
        <Text value={operation.name} limit={100} />
      </b>
      <span class="mono dim clip grow">
        <Text value={operation.key ?? ""} limit={80} />
      </span>
    </span>
  );
}

/** One that runs: how long so far, how far, and how long still. */
function Item({ operation, since }: { operation: Operation; since: number }) {
  useBeat(SECOND_MS);
  const elapsed = (operation.duration_ms ?? 0) + Math.max(0, Date.now() - since);
  const left = remaining(elapsed, share(operation), heardAfter(operation));
  return (
    <a class="running-item" href={operationUrl(operation.operation_id)}>
      <span class="row">
        <Title operation={operation} />
        <span class="running-time">{duration(Math.floor(elapsed / SECOND_MS) * SECOND_MS)}</span>
      </span>
      <Progress operation={operation} />
      <span class="row dim">
        <span class="clip grow">
          <Text value={[operation.step, operation.service].filter(Boolean).join(" · ")} limit={120} />
        </span>
        {operation.items_failed > 0 && (
          <span class="failed-count">{count(operation.items_failed)} failed</span>
        )}
        {left !== undefined && <span>about {whole(left)} left</span>}
      </span>
    </a>
  );
}
