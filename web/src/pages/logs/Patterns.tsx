import { post } from "../../api/client";
import type { Pattern } from "../../api/types";
import { Icon } from "../../components/Icon";
import { Level } from "../../components/Level";
import { Empty, Failed, Late, Skeleton } from "../../components/States";
import { Text } from "../../components/Text";
import { update } from "../../state/location";
import { zone } from "../../state/preferences";
import { useResource } from "../../state/resource";
import { clock, count, exact, plural } from "../../text/format";
import { add, ofPattern, PLACEHOLDER } from "../../text/query";
import { filter, filterKey, query } from "./filter";

const LIMIT = 200;
interface Answer {
  patterns: Pattern[];
  total?: number;
  examined?: number;
}

/** Messages that differ only in numbers, ids and the like, as one row each. */
export function Patterns() {
  const answer = useResource(filterKey.value, (signal) =>
    post<Answer>("/v1/logs/patterns", { ...filter.value, limit: LIMIT }, signal),
  );
  const found = answer.data.value;
  if (answer.failure.value) return <Failed failure={answer.failure.value} retry={answer.retry} />;
  if (!found) return <div class="patterns">{answer.slow.value && <Skeleton rows={20} />}</div>;
  if (found.patterns.length === 0) return <Empty title="No lines match" />;
  const most = found.patterns.reduce((top, each) => Math.max(top, each.count), 1);
  const examined = found.examined ?? found.patterns.reduce((sum, each) => sum + each.count, 0);
  return (
    <div class="patterns">
      <Late on={answer.slow.value} />
      <p class="patterns-note dim">
        {plural(found.total ?? found.patterns.length, "pattern")} in the newest {plural(examined, "line")}
      </p>
      <table class="table">
        <thead>
          <tr>
            <th class="number">Lines</th>
            <th>
              <span class="unseen">Share</span>
            </th>
            <th title="Most severe level">
              L<span class="unseen">evel</span>
            </th>
            <th>Pattern</th>
            <th>Last</th>
            <th>
              <span class="unseen">Example</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {found.patterns.map((each) => (
            <tr key={each.pattern}>
              <td class="number">{count(each.count)}</td>
              <td>
                <span class="share">
                  <i style={{ width: `${(100 * each.count) / most}%` }} />
                </span>
              </td>
              <td>
                <Level level={each.level} />
              </td>
              <td class="pattern">
                <button
                  type="button"
                  class="pattern-text"
                  title="Show the lines of this pattern"
                  onClick={() => update({ q: add(query.value, ofPattern(each.pattern)), view: null })}
                >
                  {each.pattern.split(PLACEHOLDER).map((part, at) =>
                    at % 2 === 1 ? (
                      <i key={at} class="placeholder">
                        {part.slice(1, -1)}
                      </i>
                    ) : (
                      <Text key={at} value={part} limit={500} />
                    ),
                  )}
                </button>
              </td>
              <td class="dim" title={exact(each.last, zone.value)}>
                {clock(each.last, zone.value).slice(0, 8)}
              </td>
              <td>
                <button
                  type="button"
                  class="button bare small square"
                  title="Open the newest line"
                  aria-label="Open the newest line"
                  onClick={() => update({ log: each.example_id })}
                >
                  <Icon name="panel" size={14} />
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
