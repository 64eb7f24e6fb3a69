import { Failure } from "../../api/client";
import type { Analysis, Run } from "../../api/runs";
import { operationUrl } from "../../components/doors";
import { EntryLines } from "../../components/EntryLines";
import { Icon } from "../../components/Icon";
import { Failed } from "../../components/States";
import { Text } from "../../components/Text";
import { link } from "../../state/location";
import { ago, duration } from "../../text/format";
import { differs } from "../compare/figures";
import { Gained, Pairs, Ratio } from "../compare/Pairs";
import { Category } from "../errors/Marks";
import { comparison } from "../runs/filter";
import { issueUrl } from "./Troubles";

/** Operations that are told to have changed. */
const MOST = 6;

/** Lines that are shown before the one that tells of the failure, and after it. */
const BEFORE = 9;
const AFTER = 3;

/** Of the lines around the failure the nearest ones; of lines without that one, the last. */
function nearest({ logs_around: lines, log }: Analysis): Analysis["logs_around"] {
  const at = lines.findIndex((line) => line.id === log);
  return at < 0 ? lines.slice(-BEFORE - AFTER) : lines.slice(Math.max(0, at - BEFORE), at + AFTER + 1);
}

interface Props {
  run: Run;
  /** What is known, or why nothing is. */
  analysis: Analysis | Failure;
  retry: () => void;
}

/** Why a run failed, as far as the records tell, and what was other than when it last went well. */
export function AnalysisView({ run, analysis, retry }: Props) {
  return (
    <section class="run-part run-analysis" aria-labelledby="run-analysis">
      <h2 id="run-analysis" class="row">
        <Icon name="error" /> Why it {run.status === "abandoned" ? "was abandoned" : "failed"}
      </h2>
      {analysis instanceof Failure ? (
        <Failed failure={analysis} retry={retry} />
      ) : (
        <div class="analysis">
          <div>
            <FirstFailure found={analysis} run={run} />
            <Survived found={analysis} />
            {analysis.logs_around.length > 0 && (
              <>
                <h3>Logged around it</h3>
                <EntryLines entries={nearest(analysis)} here={analysis.log} />
              </>
            )}
          </div>
          <Changed found={analysis} run={run} />
        </div>
      )}
    </section>
  );
}

function FirstFailure({ found, run }: { found: Analysis; run: Run }) {
  const first = found.first_failure;
  if (run.status === "abandoned" && (!first || first.operation.operation_id === run.operation_id))
    return (
      <p>
        Its process ended without a word: it was killed, or its machine was. No part of it told of a failure.
      </p>
    );
  if (!first) return <p class="dim">No operation told that it failed.</p>;
  const { operation, error } = first;
  return (
    <>
      <p>
        <span class="dim">First failed </span>
        <a href={operationUrl(operation.operation_id)}>
          {operation.kind} <b>{<Text value={operation.name} limit={200} />}</b>
        </a>
        <span class="dim">
          {operation.key && operation.kind !== "run" && ` ${operation.key}`}
          {operation.duration_ms !== null && ` after ${duration(operation.duration_ms)}`}
        </span>
      </p>
      {error ? (
        <>
          <p class="analysis-error">
            <b class="mono tally-error">
              {error.error_id === null ? (
                <Text value={error.type} limit={200} />
              ) : (
                <a href={issueUrl({ issue: error.issue, error_id: error.error_id })}>
                  <Text value={error.type} limit={200} />
                </a>
              )}
            </b>{" "}
            <Text value={error.message} limit={1000} />
          </p>
          <p class="row">
            <Category category={error.category} />
            <span>{error.action}</span>
          </p>
        </>
      ) : (
        operation.reason && (
          <p class="analysis-error">
            <Text value={operation.reason} limit={1000} />
          </p>
        )
      )}
    </>
  );
}

/** Other operations that failed: attempts that were repeated, items that were skipped, what was around the first. */
function Survived({ found }: { found: Analysis }) {
  const first = found.first_failure?.operation.operation_id;
  const others = found.failures.filter((each) => each.operation_id !== first);
  if (others.length === 0) return null;
  return (
    <>
      <h3>Also failed</h3>
      <ul class="analysis-operations">
        {others.slice(0, MOST).map((each) => (
          <li key={each.operation_id} class="row">
            <a class="clip" href={operationUrl(each.operation_id)}>
              {each.kind} <Text value={each.name} limit={100} />
            </a>
            <span class="dim clip grow">
              <Text value={each.reason ?? ""} limit={200} />
            </span>
          </li>
        ))}
      </ul>
      {others.length > MOST && <p class="dim">and {others.length - MOST} more</p>}
    </>
  );
}

/** What was other in the last run that went well. */
function Changed({ found, run }: { found: Analysis; run: Run }) {
  const { last_good: good, changed } = found;
  if (!good || !changed) {
    return (
      <div>
        <h3>Since the last good run</h3>
        <p class="dim">No run of this name went well before.</p>
      </div>
    );
  }
  const parameters = changed.parameters.filter((pair) => !pair.same);
  const environment = changed.environment.filter((pair) => !pair.same);
  const operations = changed.operations.filter((each) =>
    differs({ a: each.a_ms, b: each.b_ms, ratio: each.ratio }),
  );
  const { patterns, errors } = changed;
  const heard = [patterns.new, patterns.gone, errors.new, errors.gone].some((each) => each.length > 0);
  const nothing = parameters.length + environment.length === 0 && !heard;
  return (
    <div>
      <h3 class="row">
        <span class="grow">
          Since the last good run,{" "}
          <a href={link(`/runs/${encodeURIComponent(good.run_id)}`)}>{ago(good.started_at)}</a>
        </span>
        <a class="button small" href={comparison(good, run)}>
          Compare
        </a>
      </h3>
      {nothing && <p class="dim">The same parameters, the same environment, the same messages.</p>}
      {parameters.length > 0 && <Pairs label="Parameter" pairs={parameters} />}
      {environment.length > 0 && <Pairs label="Environment" pairs={environment} />}
      {operations.length > 0 && (
        <ul class="analysis-operations">
          {operations.slice(0, MOST).map((each) => (
            <li key={`${each.kind} ${each.name}`} class="row">
              <span class="grow clip">
                <span class="dim">{each.kind}</span> <Text value={each.name} limit={100} />
              </span>
              <span class="dim">
                {each.a_ms === null ? "–" : duration(each.a_ms)} →{" "}
                {each.b_ms === null ? "–" : duration(each.b_ms)}
              </span>
              <Ratio a={each.a_ms} b={each.b_ms} ratio={each.ratio} />
            </li>
          ))}
        </ul>
      )}
      <Gained patterns={patterns} errors={errors} />
    </div>
  );
}
