import type { TimelineItem } from "../../api/operations";
import type { RunDetail, RunOperation } from "../../api/runs";
import { operationUrl } from "../../components/doors";
import { Text } from "../../components/Text";
import { bytes, count, duration, short } from "../../text/format";

const MOST = 20;

/** What took longest, and how much of the run it was. */
export function Operations({ operations, timeline }: Pick<RunDetail, "operations" | "timeline">) {
  return (
    <section class="run-part run-operations" aria-labelledby="run-operations">
      <h2 id="run-operations">Slowest operations</h2>
      {operations.length === 0 ? (
        <p class="dim run-none">None were told inside.</p>
      ) : (
        <div class="scroll-x">
          <table class="table">
            <thead>
              <tr>
                <th>Operation</th>
                <th class="number">Times</th>
                <th class="number">Failed</th>
                <th class="number">In all</th>
                <th>Share</th>
                <th class="number">Mean</th>
                <th class="number">Longest</th>
                <th class="number">Processor</th>
                <th class="number">Peak memory</th>
                <th class="number">Rows</th>
              </tr>
            </thead>
            <tbody>
              {operations.slice(0, MOST).map((each) => (
                <tr key={`${each.kind} ${each.name}`}>
                  <td class="run-operation clip">
                    <span class="dim">{each.kind}</span> <Text value={each.name} limit={100} />
                  </td>
                  <td class="number">{count(each.count)}</td>
                  <td class={each.failed > 0 ? "number tally-error" : "number dim"}>{count(each.failed)}</td>
                  <td class="number">
                    <b>{duration(each.total_ms)}</b>
                  </td>
                  <td>
                    <Share of={each.share} />
                  </td>
                  <td class="number">{duration(each.mean_ms)}</td>
                  <td class="number">
                    <Longest ms={each.max_ms} of={longest(timeline, each)} />
                  </td>
                  <td class="number">{each.cpu_ms === null ? "–" : duration(each.cpu_ms)}</td>
                  <td class="number">
                    {each.memory_peak_bytes === null ? "–" : bytes(each.memory_peak_bytes)}
                  </td>
                  <td class="number">{each.rows === null ? "–" : short(each.rows)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {operations.length > MOST && (
        <p class="dim run-none">
          The slowest {MOST} of {count(operations.length)}.
        </p>
      )}
    </section>
  );
}

/** Which one of a kind and name took longest, as far as the time line has it. */
function longest(timeline: TimelineItem[], { kind, name }: RunOperation): TimelineItem | undefined {
  let found: TimelineItem | undefined;
  for (const item of timeline)
    if (item.kind === kind && item.name === name && (item.duration_ms ?? 0) > (found?.duration_ms ?? -1))
      found = item;
  return found;
}

function Longest({ ms, of }: { ms: number; of: TimelineItem | undefined }) {
  if (!of) return <>{duration(ms)}</>;
  return (
    <a href={operationUrl(of.operation_id)} title="Open the longest one">
      {duration(ms)}
    </a>
  );
}

/** A part of the run as a bar; parts can come to more than all where work went on at the same time. */
function Share({ of }: { of: number | null }) {
  if (of === null) return <span class="dim">–</span>;
  return (
    <span class="run-share">
      <i style={{ width: `${Math.min(100, 100 * of)}%` }} />
      <span>{(100 * of).toFixed(of < 0.0995 ? 1 : 0)} %</span>
    </span>
  );
}
