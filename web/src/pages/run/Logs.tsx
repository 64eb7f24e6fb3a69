import { post } from "../../api/client";
import type { RunDetail } from "../../api/runs";
import { LEVELS, type LogPage } from "../../api/types";
import { EntryLines } from "../../components/EntryLines";
import { Icon } from "../../components/Icon";
import { Level } from "../../components/Level";
import { Failed, Skeleton } from "../../components/States";
import { useResource } from "../../state/resource";
import { plural, count } from "../../text/format";
import { logsUrl, query, spanned } from "./doors";

const NEWEST = 8;

/** How many lines of each level, and the latest of them. */
export function Logs({ detail }: { detail: RunDetail }) {
  const { run, logs } = detail;
  const answer = useResource(`${run.run_id} ${logs.count}`, (signal) => {
    const { from, to } = spanned(run);
    const body = { q: query(run), start_time: from, end_time: to ?? "now", limit: NEWEST };
    return post<LogPage>("/v1/logs/search", body, signal);
  });
  const lines = answer.data.value?.logs;
  const there = LEVELS.filter((level) => (logs.by_level[level] ?? 0) > 0);
  return (
    <section class="run-part run-logs" aria-labelledby="run-logs">
      <h2 id="run-logs" class="row">
        <span>Logs</span>
        <a class="button small" href={logsUrl(run)}>
          <Icon name="logs" size={14} /> {plural(logs.count, "line")}
        </a>
        <span class="grow" />
        {there.map((level) => (
          <a
            key={level}
            class="button small"
            href={logsUrl(run, `level:=${level.toLowerCase()}`)}
            title={`Lines of the level ${level}`}
          >
            <Level level={level} /> {count(logs.by_level[level] ?? 0)}
            <span class="unseen"> {level}</span>
          </a>
        ))}
      </h2>
      {answer.failure.value && !lines && <Failed failure={answer.failure.value} retry={answer.retry} />}
      {!lines && answer.slow.value && <Skeleton rows={NEWEST} />}
      {lines && lines.length === 0 && <p class="dim run-none">Nothing was logged inside.</p>}
      {lines && <EntryLines entries={[...lines].reverse()} />}
    </section>
  );
}
