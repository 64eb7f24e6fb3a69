import { useRef } from "preact/hooks";
import { listWorkers, type Operation, type Worker, type WorkerState } from "../../api/operations";
import { operationUrl } from "../../components/doors";
import { Progress } from "../../components/Progress";
import { Service } from "../../components/Service";
import { Command, Empty, Failed, Late, Skeleton, Stale } from "../../components/States";
import { Text } from "../../components/Text";
import { useBeat } from "../../state/beat";
import { useKeys, walking } from "../../state/keyboard";
import { navigate, param, update } from "../../state/location";
import { zone } from "../../state/preferences";
import { asked } from "../../state/range";
import { useResource } from "../../state/resource";
import { environments, services } from "../../state/scope";
import { ago, count, duration, exact, plural, whole } from "../../text/format";
import { scope } from "../operations/filter";
import { Tabs } from "../operations/Tabs";
import "./workers.css";

const EVERY_MS = 2000;

/** A sign and a letter for each state, so that it is told without its colour; what wants a person comes first. */
const STATES: Record<WorkerState, { sign: string; letter: string; means: string }> = {
  lost: { sign: "■", letter: "X", means: "It is not heard any more, and did not say that it ends" },
  late: { sign: "▲", letter: "L", means: "A heartbeat is overdue" },
  alive: { sign: "●", letter: "A", means: "Its heartbeats come" },
  ended: { sign: "○", letter: "E", means: "It said that it ends" },
};
const ORDER = Object.keys(STATES);

const stateParam = param("state");
const selected = param("worker");

/** Who does the work: which of them live, what each works on. */
export default function Workers() {
  const at = useRef(Date.now());
  const answer = useResource(
    JSON.stringify([services.value, environments.value, asked.value]),
    async (signal) => {
      const found = await listWorkers(scope(false), signal);
      at.current = Date.now();
      return found.workers;
    },
    0,
    EVERY_MS,
  );
  const all = answer.data.value;
  const failure = answer.failure.value;
  const shown = (all ?? [])
    .filter((each) => (stateParam.value === "" ? each.state !== "ended" : each.state === stateParam.value))
    .sort(
      (one, other) =>
        ORDER.indexOf(one.state) - ORDER.indexOf(other.state) || one.name.localeCompare(other.name),
    );
  const place = shown.findIndex((each) => each.operation_id === selected.value);
  const step = (by: number) => {
    const next = shown[Math.max(0, Math.min(shown.length - 1, place + by))];
    if (next) update({ worker: next.operation_id }, true);
    return next !== undefined;
  };
  useKeys({
    ...walking(step, () => {
      const worker = shown[place];
      if (worker) navigate(operationUrl(worker.operation_id));
      return worker !== undefined;
    }),
  });
  return (
    <Tabs>
      <div class="workers">
        {!all && failure && <Failed failure={failure} retry={answer.retry} />}
        {!all && answer.slow.value && <Skeleton rows={10} />}
        {all && failure && <Stale failure={failure} retry={answer.retry} />}
        <Late on={answer.slow.value && all !== undefined} />
        {all?.length === 0 && <Nothing />}
        {all && all.length > 0 && (
          <>
            <States all={all} />
            {shown.length === 0 ? (
              <Empty
                title={
                  stateParam.value === "" ? "All workers have ended" : `No worker is ${stateParam.value}`
                }
              >
                <button type="button" class="button" onClick={() => update({ state: "ended" })}>
                  Show those that ended
                </button>
              </Empty>
            ) : (
              <List workers={shown} since={at.current} />
            )}
          </>
        )}
      </div>
    </Tabs>
  );
}

function States({ all }: { all: Worker[] }) {
  return (
    <div class="row workers-states" role="group" aria-label="State">
      {(ORDER as WorkerState[]).map((state) => (
        <button
          key={state}
          type="button"
          class="button small"
          aria-pressed={stateParam.value === state}
          title={STATES[state].means}
          onClick={() => update({ state: stateParam.value === state ? null : state })}
        >
          <State state={state} /> {count(all.filter((each) => each.state === state).length)}
        </button>
      ))}
      <span class="grow" />
      <b>{plural(all.length, "worker")}</b>
    </div>
  );
}

function State({ state }: { state: WorkerState }) {
  const { sign, letter, means } = STATES[state] ?? { sign: "?", letter: "?", means: state };
  return (
    <span class={`worker-state worker-${state}`} title={means}>
      <i aria-hidden="true">
        {sign} {letter}
      </i>{" "}
      {state}
    </span>
  );
}

function List({ workers, since }: { workers: Worker[]; since: number }) {
  useBeat(1000);
  const passed = Math.max(0, Date.now() - since) / 1000;
  return (
    <table class="table workers-table" aria-label="Workers">
      <thead>
        <tr>
          <th>State</th>
          <th>Worker</th>
          <th>Service</th>
          <th class="workers-process">Process</th>
          <th class="number">Heartbeat</th>
          <th>Works on</th>
          <th class="number">Done</th>
          <th class="number">Failed</th>
          <th class="number">Up</th>
        </tr>
      </thead>
      <tbody>
        {workers.map((worker) => (
          <tr
            key={worker.operation_id}
            class={selected.value === worker.operation_id ? "on" : ""}
            onClick={() => update({ worker: worker.operation_id }, true)}
          >
            <td>
              <State state={worker.state} />
            </td>
            <td>
              <a href={operationUrl(worker.operation_id)}>
                <Text value={worker.name || "worker"} limit={80} />
              </a>
              {worker.key && (
                <span class="dim mono">
                  {" "}
                  <Text value={worker.key} limit={60} />
                </span>
              )}
            </td>
            <td>
              <Service name={worker.service} />
            </td>
            <td class="dim workers-process">
              <Text value={worker.host} limit={60} /> · {worker.pid}
            </td>
            <td class="number" title={worker.last_heartbeat ? exact(worker.last_heartbeat, zone.value) : ""}>
              <Heartbeat worker={worker} passed={passed} />
            </td>
            <td class="workers-current">
              <Current operations={worker.current} />
            </td>
            <td class="number">{count(worker.completed)}</td>
            <td class={worker.failed > 0 ? "number failed-count" : "number"}>{count(worker.failed)}</td>
            <td class="number">{worker.duration_ms === null ? "" : duration(worker.duration_ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** How long ago its last heartbeat was, and how often it should come. */
function Heartbeat({ worker, passed }: { worker: Worker; passed: number }) {
  const { heartbeat_age_seconds: age, interval_seconds: interval, state } = worker;
  if (age === null) return <span class="dim">none yet</span>;
  if (state === "ended")
    return <span class="dim">{worker.last_heartbeat && ago(worker.last_heartbeat)}</span>;
  return (
    <>
      {whole(Math.floor(age + passed) * 1000)}
      {interval !== null && <span class="dim"> of {whole(interval * 1000)}</span>}
    </>
  );
}

const FEW = 3;

function Current({ operations }: { operations: Operation[] }) {
  if (operations.length === 0) return <span class="dim">nothing</span>;
  return (
    <>
      {operations.slice(0, FEW).map((each) => (
        <span key={each.operation_id} class="row">
          <a class="clip" href={operationUrl(each.operation_id)}>
            {each.kind} <Text value={each.name} limit={80} />
          </a>
          <Progress operation={each} />
        </span>
      ))}
      {operations.length > FEW && <span class="dim">and {count(operations.length - FEW)} more</span>}
    </>
  );
}

function Nothing() {
  return (
    <Empty title="No workers yet">
      <p>A process that takes work says so with one line, and sends a heartbeat from then on:</p>
      <Command text={'with plainview.worker("encoder"):'} />
      <p class="dim">Workers of Celery, RQ and Dramatiq come by themselves.</p>
    </Empty>
  );
}
