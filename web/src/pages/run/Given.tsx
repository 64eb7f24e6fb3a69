import type { ComponentChildren } from "preact";
import type { RunDetail } from "../../api/runs";
import { Text } from "../../components/Text";
import { plural } from "../../text/format";
import { environmentRows, oneLine } from "./fields";

type Props = Pick<RunDetail, "summary" | "parameters" | "environment">;

/** What came out of the run, what it was given, and where it ran. */
export function Given({ summary, parameters, environment }: Props) {
  const results = Object.entries(summary?.execution_summary?.results ?? {});
  const given = Object.entries(parameters ?? {});
  const { rows, packages } = environmentRows(environment ?? {});
  return (
    <>
      {results.length > 0 && (
        <section class="run-part" aria-labelledby="run-results">
          <h2 id="run-results">Results</h2>
          <Rows rows={results} />
        </section>
      )}
      <section class="run-part" aria-labelledby="run-parameters">
        <h2 id="run-parameters">Parameters</h2>
        {given.length === 0 ? <p class="dim run-none">None were given.</p> : <Rows rows={given} />}
      </section>
      <section class="run-part" aria-labelledby="run-environment">
        <h2 id="run-environment">Environment</h2>
        {rows.length === 0 && packages.length === 0 ? (
          <p class="dim run-none">Not told.</p>
        ) : (
          <Rows rows={rows} />
        )}
        {packages.length > 0 && (
          <details class="run-packages">
            <summary>{plural(packages.length, "package")}</summary>
            <Rows rows={packages} />
          </details>
        )}
      </section>
    </>
  );
}

function Rows({ rows }: { rows: [name: string, value: unknown][] }): ComponentChildren {
  return (
    <dl class="run-values">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt class="clip" title={name}>
            <Text value={name} limit={100} />
          </dt>
          <dd class="mono">
            <Text value={oneLine(value)} limit={2000} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
