import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Failure } from "../../api/client";
import { type Analysis, readAnalysis, readRun, type Run, type RunDetail, type Trend } from "../../api/runs";
import { operationUrl } from "../../components/doors";
import { Copy } from "../../components/Copy";
import { Icon } from "../../components/Icon";
import { OperationStatus } from "../../components/OperationStatus";
import { Empty, Failed, Late, Skeleton, Stale } from "../../components/States";
import { Text } from "../../components/Text";
import { useKeys } from "../../state/keyboard";
import { link, navigate, path, unescaped } from "../../state/location";
import { asked } from "../../state/range";
import { useResource } from "../../state/resource";
import { quote } from "../../text/query";
import { comparison } from "../runs/filter";
import { AnalysisView } from "./AnalysisView";
import { Card } from "./Card";
import { Checks } from "./Checks";
import { logsUrl } from "./doors";
import { Files } from "./Files";
import { Given } from "./Given";
import { Logs } from "./Logs";
import { Operations } from "./Operations";
import { Timeline } from "./Timeline";
import { Trends } from "./Trends";
import { Troubles } from "./Troubles";
import "../runs/runs.css";
import "./run.css";

const RUNNING_MS = 2000;
const BAD = ["failed", "dead_lettered", "abandoned"];

/** One run: how it went, beside those before it, what it did when, what it used, what it left behind. */
export default function RunPage() {
  const id = unescaped(path.value.split("/")[2] ?? "");
  /** Whether it may go on: as long as nobody knows better. */
  const going = useRef({ id, on: true });
  if (going.current.id !== id) going.current = { id, on: true };
  const answer = useResource(
    `${id} ${asked.value}`,
    async (signal) => {
      const found = await readRun(id, signal);
      going.current.on = found.run.status === "running" || found.run.status === "queued";
      // With it, so that nothing moves when it comes.
      const analysis = BAD.includes(found.run.status) ? await analysed(found.run, signal) : undefined;
      return { id, found, analysis };
    },
    0,
    going.current.on ? RUNNING_MS : 0,
  );
  useKeys({ u: () => navigate(link("/runs")), Escape: () => navigate(link("/runs")) });
  const failure = answer.failure.value;
  const known = answer.data.value;
  // The former run stays in sight until the next one is there.
  const here = known && (known.id === id || !failure) ? known.found : undefined;
  const whole = known?.id === id ? known.found.run.run_id : id;
  const trend = useSignal<Trend | undefined>(undefined);
  useEffect(() => {
    // The beginning of an id was asked for, or "last": the address becomes the run's.
    if (whole !== id) navigate(link(`/runs/${encodeURIComponent(whole)}`), true);
  }, [whole]);
  if (failure && !here) {
    if (failure.status !== 404) return <Failed failure={failure} retry={answer.retry} />;
    return (
      <Empty title="No such run">
        <p>
          {failure.detail || "Nothing is stored under this id: it is past retention, or has not come in yet."}
        </p>
        <p>
          <code>{id}</code>
        </p>
        <p class="row">
          <button type="button" class="button" onClick={answer.retry}>
            Look again
          </button>
          <a class="button" href={link("/logs", { q: `run_id:${quote(id)}`, from: "-30d" })}>
            Search the logs for it
          </a>
          <a class="button" href={link("/runs")}>
            All runs
          </a>
        </p>
      </Empty>
    );
  }
  if (!here) return <div class="run-page">{answer.slow.value && <Skeleton rows={24} />}</div>;
  return (
    <>
      {failure && <Stale failure={failure} retry={answer.retry} />}
      <Shown
        key={here.run.run_id}
        detail={here}
        analysis={known?.analysis}
        retry={answer.retry}
        trend={trend}
        late={answer.slow.value}
      />
    </>
  );
}

/** Why a run failed; what kept that from being told does not keep the rest from being shown. */
async function analysed(run: Run, signal: AbortSignal): Promise<Analysis | Failure> {
  try {
    return await readAnalysis(run.run_id, signal);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

interface ShownProps {
  detail: RunDetail;
  /** Why it failed, or why that is not known; undefined where it did not fail. */
  analysis: Analysis | Failure | undefined;
  retry: () => void;
  /** Of its name: stays while one steps from run to run. */
  trend: Signal<Trend | undefined>;
  late: boolean;
}

function Shown({ detail, analysis, retry, trend, late }: ShownProps) {
  const { run } = detail;
  const points = trend.value?.points ?? [];
  const place = points.findIndex((point) => point.run_id === run.run_id);
  const before = place > 0 ? points[place - 1] : undefined;
  const after = place >= 0 ? points[place + 1] : undefined;
  const go = (to: { run_id: string } | undefined) => {
    if (!to) return false;
    navigate(link(`/runs/${encodeURIComponent(to.run_id)}`));
    return true;
  };
  useKeys({
    "[": () => go(after),
    "]": () => go(before),
    c: () => {
      if (!before) return false;
      navigate(comparison(before, run));
      return true;
    },
  });
  return (
    <div class="run-page">
      <Late on={late} />
      <header class="run-head">
        <div class="run-title">
          <a
            class="button bare square small"
            href={link("/runs")}
            title="All runs ( u )"
            aria-label="All runs"
          >
            <Icon name="left" />
          </a>
          <h1 class="clip">
            <Text value={run.name} limit={200} />
          </h1>
          <OperationStatus status={run.status} />
          <code class="dim clip">{run.run_id}</code>
          <Copy text={run.run_id} label="Copy the id" />
        </div>
        <div class="run-doors">
          <Step name="Newer" icon="left" keys="[" to={after} go={go} />
          <Step name="Older" icon="right" keys="]" to={before} go={go} />
          {before ? (
            <a class="button" href={comparison(before, run)}>
              Compare with the one before <kbd>c</kbd>
            </a>
          ) : (
            <button type="button" class="button" disabled>
              Compare with the one before <kbd>c</kbd>
            </button>
          )}
          <a class="button" href={logsUrl(run)}>
            <Icon name="logs" size={14} /> Logs
          </a>
          {run.trace_id && (
            <a class="button" href={link(`/traces/${encodeURIComponent(run.trace_id)}`)}>
              <Icon name="traces" size={14} /> Trace
            </a>
          )}
          <a class="button" href={operationUrl(run.operation_id)}>
            Events
          </a>
        </div>
      </header>
      <div class="run-body">
        {analysis && <AnalysisView run={run} analysis={analysis} retry={retry} />}
        <div class="run-top">
          <Card detail={detail} />
          <Trends
            run={run}
            onTrend={(found) => {
              trend.value = found;
            }}
          />
        </div>
        <Timeline detail={detail} />
        <Operations operations={detail.operations} timeline={detail.timeline} />
        <div class="run-columns">
          <div>
            <Checks checks={detail.checks} />
            <Troubles errors={detail.errors} warnings={detail.warnings} />
            <Files artifacts={detail.artifacts} backups={detail.backups} />
          </div>
          <div>
            <Given summary={detail.summary} parameters={detail.parameters} environment={detail.environment} />
          </div>
        </div>
        <Logs detail={detail} />
      </div>
    </div>
  );
}

interface StepProps {
  name: string;
  icon: "left" | "right";
  keys: string;
  to: { run_id: string } | undefined;
  go: (to: { run_id: string } | undefined) => unknown;
}

/** The neighbour of the same name. */
function Step({ name, icon, keys, to, go }: StepProps) {
  return (
    <button
      type="button"
      class="button square"
      disabled={!to}
      title={`${name} run of this name ( ${keys} )`}
      aria-label={`${name} run of this name`}
      onClick={() => go(to)}
    >
      <Icon name={icon} size={14} />
    </button>
  );
}
