import { useSignal } from "@preact/signals";
import { get, post } from "../../api/client";
import type { Distribution, Issue, IssueDetail } from "../../api/errors";
import { door } from "../../components/doors";
import { Sparkline } from "../../components/Sparkline";
import { Text } from "../../components/Text";
import { link } from "../../state/location";
import { zone } from "../../state/preferences";
import { useResource } from "../../state/resource";
import { ago, count, exact, plural } from "../../text/format";
import { quote } from "../../text/query";
import { attempt } from "../errors/actions";

const FEW = 8;

/** How often, since when, whom it hit, where; what is like it. */
export function Facts({ issue, url, reload }: { issue: IssueDetail; url: string; reload: () => void }) {
  const key = `${issue.id} ${issue.last_seen}`;
  const similar = useResource(key, (signal) => get<{ errors: Issue[] }>(`${url}/similar`, signal));
  const grouping = useResource(key, (signal) => get<{ parts: string[] }>(`${url}/grouping`, signal));
  const day = issue.sparkline.reduce((sum, value) => sum + value, 0);
  return (
    <aside class="facts" aria-label="Facts">
      <dl class="facts-counts">
        <Fact name="Occurrences" value={count(issue.occurrence_count)} />
        <Fact name="Users" value={count(issue.users)} />
        <Fact name="Jobs" value={count(issue.jobs)} />
      </dl>
      <Sparkline
        values={issue.sparkline}
        label={`${plural(day, "time")} in the last 24 hours`}
        width={268}
        height={44}
      />
      <p class="dim">{plural(day, "time")} in the last 24 hours</p>
      <dl class="facts-times">
        <dt>First seen</dt>
        <dd title={exact(issue.first_seen, zone.value)}>{ago(issue.first_seen)}</dd>
        <dt>Last seen</dt>
        <dd title={exact(issue.last_seen, zone.value)}>{ago(issue.last_seen)}</dd>
        {issue.releases.length > 0 && (
          <>
            <dt>Releases</dt>
            <dd>
              <Text value={issue.releases.slice(0, FEW).join(", ")} limit={200} />
            </dd>
          </>
        )}
      </dl>
      <Assignee issue={issue} url={url} reload={reload} />
      {issue.groups.length > 1 && <Groups issue={issue} url={url} reload={reload} />}
      {(issue.distributions ?? []).map((one) => (
        <Values key={one.field} distribution={one} />
      ))}
      <Affected name="Jobs" field="job_id" ids={issue.affected_jobs} all={issue.affected.job} />
      <Affected name="Batches" field="batch_id" ids={issue.affected_batches} all={issue.affected.batch} />
      <Affected name="Runs" field="run_id" ids={issue.affected_runs} all={issue.affected.run} />
      <Affected name="Users" field="user_id" ids={issue.affected_users} all={issue.affected.user} />
      {(similar.data.value?.errors ?? []).length > 0 && (
        <section>
          <h3>Similar errors</h3>
          <ul class="facts-list">
            {(similar.data.value?.errors ?? []).slice(0, FEW).map((each) => (
              <li key={each.id} class="clip">
                <a href={link(`/errors/${encodeURIComponent(each.id)}`)}>
                  <Text value={`${each.error_type} ${each.error_message}`} limit={120} />
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      {(grouping.data.value?.parts ?? []).length > 0 && (
        <details>
          <summary>Why these are one error</summary>
          <ul class="facts-list mono">
            {(grouping.data.value?.parts ?? []).map((part, at) => (
              <li key={at}>
                <Text value={part} limit={300} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </aside>
  );
}

interface DecisionProps {
  issue: IssueDetail;
  url: string;
  reload: () => void;
}

/** Whose it is. */
function Assignee({ issue, url, reload }: DecisionProps) {
  const trouble = useSignal("");
  const assign = async (name: string) => {
    if (name === (issue.assignee ?? "")) return;
    const failure = await attempt(() => post(`${url}/assign`, { assignee: name || null }));
    trouble.value = failure?.message ?? "";
    reload();
  };
  return (
    <label class="facts-assignee">
      <span class="dim">Assigned to</span>
      <input
        class="input"
        placeholder="nobody"
        value={issue.assignee ?? ""}
        onChange={(event) => void assign(event.currentTarget.value.trim())}
      />
      {trouble.value && <span class="failed-count">{trouble.value}</span>}
    </label>
  );
}

/** What was merged into it, and the way back. */
function Groups({ issue, url, reload }: DecisionProps) {
  const trouble = useSignal("");
  const split = async (fingerprint: string) => {
    const failure = await attempt(() => post(`${url}/split`, { fingerprints: [fingerprint] }));
    trouble.value = failure?.message ?? "";
    reload();
  };
  return (
    <section>
      <h3>Merged</h3>
      <ul class="facts-list">
        {issue.groups.map((group) => (
          <li key={group.fingerprint} class="row">
            <code class="grow clip" title={group.fingerprint}>
              {group.fingerprint.slice(0, 12)}
            </code>
            <span class="dim">{count(group.occurrence_count)}</span>
            <button type="button" class="button small" onClick={() => void split(group.fingerprint)}>
              Take out
            </button>
          </li>
        ))}
      </ul>
      {trouble.value && <p class="failed-count">{trouble.value}</p>}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt class="dim">{name}</dt>
      <dd>
        <b>{value}</b>
      </dd>
    </div>
  );
}

/** How the occurrences spread over the values of a field. */
function Values({ distribution }: { distribution: Distribution }) {
  const total = distribution.values.reduce((sum, each) => sum + each.count, 0);
  if (total === 0) return null;
  return (
    <section>
      <h3>
        <Text value={distribution.field} />
      </h3>
      <ul class="facts-bars">
        {distribution.values.slice(0, FEW).map((each) => (
          <li key={each.value} title={plural(each.count, "occurrence")}>
            <i style={{ width: `${(100 * each.count) / total}%` }} />
            <span class="grow clip">
              <Text value={each.value} limit={120} />
            </span>
            <span class="dim">{Math.round((100 * each.count) / total)} %</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface AffectedProps {
  name: string;
  field: string;
  /** The latest ones. */
  ids: string[];
  /** How many there are. */
  all: number | undefined;
}

function Affected({ name, field, ids, all = ids.length }: AffectedProps) {
  if (ids.length === 0) return null;
  return (
    <section>
      <h3>{name}</h3>
      <ul class="facts-list">
        {ids.slice(0, FEW).map((id) => (
          <li key={id} class="clip">
            <a
              class="mono"
              href={door(field, id)?.url ?? link("/logs", { q: `${field}:${quote(id)}`, from: "-30d" })}
            >
              <Text value={id} limit={80} />
            </a>
          </li>
        ))}
      </ul>
      {all > FEW && <p class="dim">and {count(all - FEW)} more</p>}
    </section>
  );
}
