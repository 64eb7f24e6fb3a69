import { post } from "../../api/client";
import type { LogFilter, LogPage } from "../../api/types";
import { Level } from "../../components/Level";
import { Failed } from "../../components/States";
import { Text } from "../../components/Text";
import { zone } from "../../state/preferences";
import { useResource } from "../../state/resource";
import { clock, exact, plural } from "../../text/format";

const SHOWN = 100;

interface Props {
  logs: { count: number; url: string };
  /** Asks anew. */
  version: string;
}

/** The latest lines that were logged in it, the newest last. */
export function LogLines({ logs, version }: Props) {
  const answer = useResource(logs.count > 0 ? `${logs.url} ${version}` : null, (signal) =>
    post<LogPage>("/v1/logs/search", { ...filterOf(logs.url), limit: SHOWN }, signal),
  );
  const found = answer.data.value;
  return (
    <section aria-label="Logs">
      <h2 class="row">
        <span>Logs</span>
        {logs.count > 0 && (
          <a href={logs.url}>
            {plural(logs.count, "line")}
            {found && logs.count > found.logs.length && `, the last ${found.logs.length} here`}
          </a>
        )}
      </h2>
      {logs.count === 0 && <p class="dim">Nothing was logged in it.</p>}
      {answer.failure.value && <Failed failure={answer.failure.value} retry={answer.retry} />}
      <ol class="context-lines">
        {[...(found?.logs ?? [])].reverse().map((entry) => (
          <li key={entry.id}>
            <a class="context-line" href={`${logs.url}&log=${encodeURIComponent(entry.id)}`}>
              <span class="line-time" title={exact(entry.timestamp, zone.value)}>
                {clock(entry.timestamp, zone.value)}
              </span>
              <Level level={entry.level} />
              <span class="clip">
                <Text value={entry.message} limit={300} />
              </span>
            </a>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** The filter that an address of the page of logs stands for. */
function filterOf(url: string): LogFilter {
  const given = new URL(url, window.location.origin).searchParams;
  const [q, from, to] = ["q", "from", "to"].map((name) => given.get(name));
  return {
    ...(q ? { q } : {}),
    ...(from ? { start_time: from } : {}),
    ...(to ? { end_time: to } : {}),
  };
}
