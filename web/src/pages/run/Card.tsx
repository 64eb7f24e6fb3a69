import type { ComponentChildren } from "preact";
import type { RunDetail } from "../../api/runs";
import { OperationStatus } from "../../components/OperationStatus";
import { Progress } from "../../components/Progress";
import { Text } from "../../components/Text";
import { link } from "../../state/location";
import { zone } from "../../state/preferences";
import { bytes, count, duration, exact } from "../../text/format";
import { amount } from "../../text/units";
import { CheckCounts, OutOfLine, median } from "../runs/Marks";

const SAYS: Partial<Record<string, string>> = {
  running: "Run goes on",
  queued: "Run waits",
  completed: "Run complete",
};

/** The summary that a run prints when it ends. */
export function Card({ detail }: { detail: RunDetail }) {
  const { run } = detail;
  const took = run.duration_ms;
  const backups = detail.backups.map((backup) => backup.path);
  const outer = detail.summary?.run_metadata?.parent_run_id;
  const usual = median(run.earlier_durations_ms);
  return (
    <section class="run-part run-card" aria-labelledby="run-card">
      <h2 id="run-card">{SAYS[run.status] ?? "Run ended"}</h2>
      <dl>
        <Line name="Status">
          <OperationStatus status={run.status} />
          {run.reason && (
            <span class="run-reason" title={run.reason}>
              <Text value={run.reason} limit={300} />
            </span>
          )}
        </Line>
        {(run.status === "running" || (run.status !== "completed" && run.done !== null)) && (
          <Line name={run.status === "running" ? "Progress" : "Got to"}>
            <Progress operation={run} idle={run.status !== "running"} />
            {run.step && <Text value={run.step} limit={120} />}
          </Line>
        )}
        <Line name="Started">
          <time dateTime={run.started_at}>{exact(run.started_at, zone.value)}</time>
        </Line>
        <Line name="Duration">
          <b>{took === null ? "–" : duration(took)}</b>
          {run.unusual.includes("duration_ms") && (
            <OutOfLine ratio={usual && took ? took / usual : undefined} />
          )}
        </Line>
        <Line name="Rows">
          {run.rows === null ? (
            "–"
          ) : (
            <>
              <b>{count(run.rows)}</b>
              {run.rows_per_second !== null && (
                <span class="dim">{amount(run.rows_per_second)} a second</span>
              )}
            </>
          )}
        </Line>
        <Line name="Peak memory">
          {run.memory_peak_bytes === null ? (
            "–"
          ) : (
            <>
              <b>{bytes(run.memory_peak_bytes)}</b>
              {run.memory_delta_bytes !== null && (
                <span class="dim">
                  {run.memory_delta_bytes < 0 ? "−" : "+"}
                  {bytes(Math.abs(run.memory_delta_bytes))} from start to end
                </span>
              )}
            </>
          )}
        </Line>
        <Line name="Processor">
          {run.cpu_ms === null ? (
            "–"
          ) : (
            <>
              <b>{duration(run.cpu_ms)}</b>
              {took !== null && took > 0 && (
                <span class="dim">{amount((100 * run.cpu_ms) / took)} % of one core</span>
              )}
            </>
          )}
        </Line>
        <Line name="Checks">
          <CheckCounts checks={run.checks} />
        </Line>
        <Line name="Errors">
          <b class={run.errors > 0 ? "tally-error" : ""}>{count(run.errors)}</b>
        </Line>
        <Line name="Warnings">
          <b class={run.warnings > 0 ? "tally-warning" : ""}>{count(run.warnings)}</b>
        </Line>
        {backups.length > 0 && (
          <Line name="Backup">
            <span class="mono run-path">
              <Text value={backups.join(", ")} limit={400} />
            </span>
          </Line>
        )}
        {outer && (
          <Line name="Part of">
            <a class="mono run-path" href={link(`/runs/${encodeURIComponent(outer)}`)}>
              <Text value={outer} limit={200} />
            </a>
          </Line>
        )}
        <Line name="Where">
          <span class="run-path">
            <Text
              value={[
                run.service,
                run.environment,
                run.version,
                run.host && `${run.host}${run.pid ? `, process ${run.pid}` : ""}`,
              ]
                .filter(Boolean)
                .join(" · ")}
              limit={300}
            />
          </span>
        </Line>
      </dl>
    </section>
  );
}

function Line({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
