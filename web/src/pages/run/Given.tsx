import type { ComponentChildren } from "preact";
import { Text } from "../../components/Text";
import { plural } from "../../text/format";
import { environmentRows, oneLine } from "./fields";

interface Props {
  parameters: Record<string, unknown> | null;
  environment: Record<string, unknown> | null;
}

/** What the run was given, and where it ran. */
export function Given({ parameters, environment }: Props) {
  const given = Object.entries(parameters ?? {});
  const { rows, packages } = environmentRows(environment ?? {});
  return (
    <>
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
