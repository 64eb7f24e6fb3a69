import { post } from "../../api/client";
import type { LogFilter, LogPage } from "../../api/types";
import { EntryLines } from "../../components/EntryLines";
import { Failed } from "../../components/States";
import { useResource } from "../../state/resource";
import { plural } from "../../text/format";

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
      <EntryLines entries={[...(found?.logs ?? [])].reverse()} list={logs.url} />
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
