import type { RunDetail, RunError } from "../../api/runs";
import { Text } from "../../components/Text";
import { link } from "../../state/location";
import { zone } from "../../state/preferences";
import { Category } from "../errors/Marks";
import { clock, count, exact } from "../../text/format";

/** Where an issue is decided about, opened at what this run met. */
export function issueUrl({ issue, error_id }: Pick<RunError, "issue" | "error_id">): string {
  return link(`/errors/${encodeURIComponent(issue ?? error_id)}`, { occurrence: error_id });
}

/** Errors by issue, and warnings. */
export function Troubles({ errors, warnings }: Pick<RunDetail, "errors" | "warnings">) {
  return (
    <>
      <section class="run-part" aria-labelledby="run-errors">
        <h2 id="run-errors">Errors</h2>
        {errors.length === 0 ? (
          <p class="dim run-none">None.</p>
        ) : (
          <ul class="run-errors">
            {errors.map((error) => (
              <ErrorItem key={error.error_id} error={error} />
            ))}
          </ul>
        )}
      </section>
      {warnings.length > 0 && (
        <section class="run-part" aria-labelledby="run-warnings">
          <h2 id="run-warnings">Warnings</h2>
          <ul class="run-warnings run-scroll">
            {warnings.map((warning, at) => (
              <li key={at}>
                <span class="line-time" title={exact(warning.timestamp, zone.value)}>
                  {clock(warning.timestamp, zone.value).slice(0, 8)}
                </span>
                <span>
                  <Text value={warning.text} limit={1000} />
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** One issue in short. */
export function ErrorItem({ error }: { error: RunError }) {
  return (
    <li class="row">
      <a class="clip grow" href={issueUrl(error)}>
        <b class="mono tally-error">
          <Text value={error.error_type || "Message"} limit={120} />
        </b>{" "}
        <Text value={error.error_message} limit={300} />
      </a>
      <Category category={error.category} />
      <span class="dim">×{count(error.count)}</span>
    </li>
  );
}
