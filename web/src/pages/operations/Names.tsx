import { type Name, type OperationStatus, STATUSES, type Summary } from "../../api/operations";
import { Icon } from "../../components/Icon";
import { OperationStatus as Status, STATUS_SIGNS } from "../../components/OperationStatus";
import { Sparkline } from "../../components/Sparkline";
import { Text } from "../../components/Text";
import { link, update } from "../../state/location";
import { zone } from "../../state/preferences";
import { ago, bytes, count, duration, exact, plural } from "../../text/format";
import { throughput } from "../../text/reached";
import { name as chosen, page, unfolded } from "./filter";

/** What each name did: how many, how well, how fast, how it failed. */
export function Names({ answer }: { answer: Summary }) {
  const slowest = Math.max(1e-6, ...answer.names.map((each) => each.p99_ms ?? 0));
  if (answer.names.length === 0) return null;
  return (
    <section class="names" aria-label={`By ${page.value.type.toLowerCase()}`}>
      <table class="table">
        <thead>
          <tr>
            <th>{page.value.type}</th>
            <th class="number">Count</th>
            <th>Status</th>
            <th class="number">Success</th>
            <th class="names-trend">Throughput</th>
            <th class="number">p50</th>
            <th class="number">p95</th>
            <th class="number">p99</th>
            <th class="names-bars">
              <span class="unseen">Duration</span>
            </th>
            <th class="number">Retries</th>
            <th class="number names-wide">CPU</th>
            <th class="number names-wide">Memory</th>
            <th>Last</th>
          </tr>
        </thead>
        <tbody>
          {answer.names.map((each) => (
            <Row key={each.name} of={each} slowest={slowest} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

const COLUMNS = 13;

function Row({ of, slowest }: { of: Name; slowest: number }) {
  const open = unfolded.value === of.name;
  const on = chosen.value === of.name;
  const failed = of.reasons.length > 0;
  return (
    <>
      <tr class={on ? "on" : ""}>
        <td class="names-name">
          <span class="row">
            <button
              type="button"
              class="fold"
              disabled={!failed}
              aria-expanded={open}
              aria-label={`Why ${of.name} failed`}
              title={failed ? "Why it failed" : "None failed"}
              onClick={() => update({ why: open ? null : of.name }, true)}
            >
              <Icon name={open ? "down" : "right"} size={12} />
            </button>
            <button
              type="button"
              class="names-pick clip"
              aria-pressed={on}
              title="Only these"
              onClick={() => update({ name: on ? null : of.name })}
            >
              <Text value={of.name} limit={100} />
            </button>
            <Expected of={of} />
          </span>
        </td>
        <td class="number">{count(of.count)}</td>
        <td>
          <Mix counts={of.by_status} total={of.count} />
        </td>
        <td class={`number${(of.success_rate ?? 1) < 1 ? " failed-count" : ""}`}>
          {of.success_rate === null ? "–" : rate(of.success_rate)}
        </td>
        <td class="names-trend">
          <span class="row">
            <Sparkline
              values={of.over_time}
              label={`${of.name} over time: ${plural(of.count, "in all", "in all")}`}
              width={72}
            />
            <span class="dim">{throughput(of.throughput_per_hour)}</span>
          </span>
        </td>
        {[of.p50_ms, of.p95_ms, of.p99_ms].map((ms, at) => (
          <td key={at} class="number">
            {ms === null ? "–" : duration(ms)}
          </td>
        ))}
        <td class="names-bars">
          <Percentiles of={of} slowest={slowest} />
        </td>
        <td class="number">{of.retries > 0 ? count(of.retries) : ""}</td>
        <td class="number names-wide">{of.cpu_ms === null ? "" : duration(of.cpu_ms)}</td>
        <td class="number names-wide">{of.memory_peak_bytes === null ? "" : bytes(of.memory_peak_bytes)}</td>
        <td class="names-last" title={of.last_started_at ? exact(of.last_started_at, zone.value) : ""}>
          {of.last_status && <Status status={of.last_status} sign />}{" "}
          {of.last_started_at ? ago(of.last_started_at) : "never"}
        </td>
      </tr>
      {open && failed && (
        <tr class="names-reasons">
          <td colSpan={COLUMNS}>
            <Reasons of={of} />
          </td>
        </tr>
      )}
    </>
  );
}

/** 0.9987 → `99.8 %`: never rounded up to all. */
function rate(share: number): string {
  return share === 1 ? "100 %" : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

/** An engine that was expected and did not run; one that ran and was not. */
function Expected({ of }: { of: Name }) {
  if (of.expected === null) return null;
  if (of.expected && of.count === 0) return <span class="badge-error">missing</span>;
  if (!of.expected)
    return (
      <span class="names-note" title="The application did not say that it has this engine">
        not expected
      </span>
    );
  return null;
}

/** The shares of the statuses, as one bar. */
function Mix({ counts, total }: { counts: Name["by_status"]; total: number }) {
  const there = STATUSES.filter((status) => (counts[status] ?? 0) > 0);
  const says = there.map((status) => `${count(counts[status] ?? 0)} ${STATUS_SIGNS[status].says}`).join(", ");
  const bad = there.filter((status) => BAD.has(status));
  return (
    <span class="row">
      <span class="mix" role="img" aria-label={says || "none"} title={says}>
        {there.map((status) => (
          <i
            key={status}
            class={`operation-fill-${status}`}
            style={{ width: `${(100 * (counts[status] ?? 0)) / Math.max(1, total)}%` }}
          />
        ))}
      </span>
      {bad.map((status) => (
        <span key={status} class={`mix-count operation-${status}`} aria-hidden="true">
          {STATUS_SIGNS[status].sign} {count(counts[status] ?? 0)}
        </span>
      ))}
    </span>
  );
}

const BAD: ReadonlySet<OperationStatus> = new Set(["failed", "dead_lettered", "abandoned"]);

/** p50 within p95 within p99, on the scale of the slowest name. */
function Percentiles({ of, slowest }: { of: Name; slowest: number }) {
  const { p50_ms: p50, p95_ms: p95, p99_ms: p99 } = of;
  if (p50 === null || p95 === null || p99 === null) return null;
  const says = `p50 ${duration(p50)}, p95 ${duration(p95)}, p99 ${duration(p99)}`;
  return (
    <span class="percentiles" role="img" aria-label={says} title={says}>
      {[p99, p95, p50].map((ms, at) => (
        <i key={at} class={`percentile-${at}`} style={{ width: `${Math.max(1, (100 * ms) / slowest)}%` }} />
      ))}
    </span>
  );
}

function Reasons({ of }: { of: Name }) {
  return (
    <ul aria-label={`Why ${of.name} failed`}>
      {of.reasons.map((each, at) => (
        <li key={at} class="row">
          <b class="number reason-count">{count(each.count)}</b>
          <span class="reason-text clip">
            <Text value={each.reason || each.error_type || "no reason given"} limit={300} />
          </span>
          {each.failed_in && (
            <span class="dim clip">
              in <Text value={each.failed_in} limit={80} />
            </span>
          )}
          <span class="grow" />
          {each.error_id && (
            <a class="button small" href={link(`/errors/${encodeURIComponent(each.error_id)}`)}>
              <Icon name="error" size={12} /> Open the error
            </a>
          )}
          <button
            type="button"
            class="button small"
            onClick={() => update({ name: of.name, status: "failed,dead_lettered,abandoned" })}
          >
            Show them
          </button>
        </li>
      ))}
    </ul>
  );
}
