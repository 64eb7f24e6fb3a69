import type { ComponentChildren } from "preact";
import { heardAfter, type Operation, type OperationDetail, share } from "../../api/operations";
import { Copy } from "../../components/Copy";
import { door, operationUrl } from "../../components/doors";
import { Icon, type IconName } from "../../components/Icon";
import { OperationStatus } from "../../components/OperationStatus";
import { Progress } from "../../components/Progress";
import { Service } from "../../components/Service";
import { Text } from "../../components/Text";
import { useBeat } from "../../state/beat";
import { link } from "../../state/location";
import { zone } from "../../state/preferences";
import { ago, duration, exact, whole } from "../../text/format";
import { remaining } from "../../text/remaining";
import { pathOf } from "../operations/kinds";
import { brief, far } from "./model";

/** What it is, how it stands, and the ways to all that belongs to it. */
export function Head({ detail, since }: { detail: OperationDetail; since: number }) {
  const { operation, ancestors } = detail;
  const list = pathOf(operation.kind);
  return (
    <header class="operation-head">
      <div class="row">
        <a
          class="button bare square small"
          href={link(list)}
          title="All of its kind ( u )"
          aria-label="All of its kind"
        >
          <Icon name="left" />
        </a>
        <OperationStatus status={operation.status} />
        <h1 class="clip">
          <span class="operation-kind">{operation.kind}</span> <Text value={operation.name} limit={200} />
        </h1>
        {operation.key && (
          <>
            <code class="dim clip">
              <Text value={operation.key} limit={120} />
            </code>
            <Copy text={operation.key} label="Copy its id" />
          </>
        )}
        <span class="grow" />
        <Doors detail={detail} />
      </div>
      <div class="row operation-facts">
        <Took operation={operation} since={since} />
        <time class="dim" dateTime={operation.started_at} title="Began">
          {exact(operation.started_at, zone.value)}
        </time>
        {(operation.attempts > 1 || operation.attempt > 1) && (
          <span>
            attempt {operation.attempt} of {Math.max(operation.attempts, operation.attempt)}
          </span>
        )}
        <Service name={operation.service} />
        {operation.environment && <span class="dim">{operation.environment}</span>}
        {operation.version && (
          <span class="dim">
            <Text value={operation.version} limit={40} />
          </span>
        )}
        {operation.host && (
          <span class="dim">
            <Text value={operation.host} limit={60} />
            {operation.pid > 0 && ` · pid ${operation.pid}`}
          </span>
        )}
        {ancestors.length > 0 && (
          <nav class="row operation-within" aria-label="Part of">
            <span class="dim">in</span>
            {ancestors.map((each, at) => (
              <span key={each.operation_id} class="row">
                {at > 0 && <span class="dim">›</span>}
                <a href={operationUrl(each.operation_id)}>
                  {each.kind} <Text value={each.name} limit={60} />
                </a>
              </span>
            ))}
          </nav>
        )}
      </div>
      <Standing detail={detail} />
    </header>
  );
}

/** How long it took, or takes so far. */
function Took({ operation, since }: { operation: Operation; since: number }) {
  const runs = operation.status === "running";
  useBeat(1000, runs);
  if (operation.status === "queued") return <b>waits since {ago(operation.started_at)}</b>;
  const ms = operation.duration_ms ?? 0;
  return <b>{duration(runs ? Math.floor((ms + Date.now() - since) / 1000) * 1000 : ms)}</b>;
}

function Doors({ detail }: { detail: OperationDetail }) {
  const { operation, logs, trace, errors } = detail;
  const wholes = (["job_id", "batch_id", "run_id"] as const).flatMap((field) => {
    const id = operation[field];
    const found = id && id !== operation.key ? door(field, id) : undefined;
    return found ? [{ ...found, name: field.replace("_id", "") }] : [];
  });
  const first = errors[0];
  return (
    <>
      <Door url={logs.url} icon="logs">
        Logs
      </Door>
      {trace && (
        <Door url={trace.url} icon="traces">
          Trace
        </Door>
      )}
      {first && (
        <Door url={first.url} icon="error">
          Error
        </Door>
      )}
      {wholes.map((each) => (
        <Door key={each.name} url={each.url} icon="jobs">
          Its {each.name}
        </Door>
      ))}
      <Copy text={() => window.location.href} label="Copy the address" />
    </>
  );
}

function Door({ url, icon, children }: { url: string; icon: IconName; children: ComponentChildren }) {
  return (
    <a class="button small" href={url}>
      <Icon name={icon} size={12} /> {children}
    </a>
  );
}

/** What matters most about how it stands: how far it is, why it failed, what is left of it. */
function Standing({ detail }: { detail: OperationDetail }) {
  const { operation } = detail;
  const { status } = operation;
  if (status === "running") return <Going operation={operation} />;
  if (status === "abandoned") return <Abandoned detail={detail} />;
  const reason = operation.reason || operation.error_type;
  if (!reason || status === "completed") return null;
  return (
    <div class={`operation-note note-${status}`}>
      <p>
        {operation.failed_in && (
          <>
            Failed first in <b>{operation.failed_in}</b>.{" "}
          </>
        )}
        <span class="operation-reason">
          <Text value={reason} multiline limit={2000} />
        </span>
      </p>
      {operation.error_id && (
        <a class="button small" href={link(`/errors/${encodeURIComponent(operation.error_id)}`)}>
          <Icon name="error" size={12} /> Open the error
        </a>
      )}
    </div>
  );
}

function Going({ operation }: { operation: Operation }) {
  const left = remaining(operation.duration_ms ?? 0, share(operation), heardAfter(operation));
  return (
    <div class="row operation-going">
      <Progress operation={operation} />
      {operation.step && (
        <span class="dim clip">
          <Text value={operation.step} limit={120} />
        </span>
      )}
      {left !== undefined && <span class="dim">about {whole(left)} left</span>}
      <span class="dim">heard {ago(operation.last_seen)}</span>
    </div>
  );
}

/** Its process ended while it ran: how far it had come, where it can go on, and whether it did. */
function Abandoned({ detail }: { detail: OperationDetail }) {
  const { operation, attempts } = detail;
  const place = attempts.findIndex((each) => each.operation_id === operation.operation_id);
  const next = attempts[place + 1];
  const reached = far(operation);
  return (
    <div class="operation-note note-abandoned">
      <p>
        Its process{operation.pid > 0 && ` ${operation.pid}`} ended while it ran, and said nothing. It was
        last heard{" "}
        <time dateTime={operation.last_seen} title={exact(operation.last_seen, zone.value)}>
          {ago(operation.last_seen)}
        </time>
        {reached === "" ? "; it told no progress" : <>, at {reached}</>}.
      </p>
      {share(operation) !== undefined && <Progress operation={operation} idle />}
      {operation.checkpoint && (
        <p>
          Last checkpoint:{" "}
          <code>
            <Text value={brief(operation.checkpoint)} limit={500} />
          </code>
        </p>
      )}
      {next && (
        <p>
          <a href={operationUrl(next.operation_id)}>
            Attempt {next.attempt > operation.attempt ? next.attempt : place + 2}
          </a>{" "}
          {next.recovers === operation.operation_id ? "went on from it" : "came after it"}:{" "}
          <OperationStatus status={next.status} />
        </p>
      )}
    </div>
  );
}
