import type { ComponentChildren } from "preact";
import type { Span, Trace, TraceLog } from "../../api/types";
import { CONTEXT } from "../../api/types";
import { Copy } from "../../components/Copy";
import { door, operationUrl } from "../../components/doors";
import { type Field, Fields, flatten } from "../../components/Fields";
import { Icon } from "../../components/Icon";
import { Level } from "../../components/Level";
import { Panel } from "../../components/Panel";
import { Service } from "../../components/Service";
import { Stack } from "../../components/Stack";
import { Text } from "../../components/Text";
import { link, navigate } from "../../state/location";
import { zone } from "../../state/preferences";
import { between } from "../../state/range";
import { duration, exact, plural } from "../../text/format";
import { quote, toggle } from "../../text/query";

const MARGIN_MS = 60_000;

/** The logs page around the time of a trace, with a query. */
export function logsOf(trace: Trace, q: string): string {
  const start = Date.parse(trace.start_time);
  const range = between(start - MARGIN_MS, start + trace.duration_ms + MARGIN_MS);
  return link("/logs", { q, from: range.from, to: range.to, service: null, env: null });
}

function findTraces(name: string, value: string, exclude: boolean): void {
  navigate(link("/traces", { q: toggle("", name, value, exclude) }));
}

interface Props {
  trace: Trace;
  span: Span;
  logs: TraceLog[];
  close: () => void;
  previous: (() => void) | undefined;
  next: (() => void) | undefined;
}

/** The panel of one span. */
export function SpanDetail({ trace, span, logs, close, previous, next }: Props) {
  const context = CONTEXT.filter((name) => name !== "span_id" && name !== "trace_id").flatMap(
    (name): Field[] => {
      const value = (span as unknown as Record<string, unknown>)[name];
      if (typeof value !== "string" || value === "") return [];
      const q = `${name.replace("_id", "")}:${quote(value)}`;
      return [{ name, value, open: door(name, value) ?? { url: logsOf(trace, q), title: "Its logs" } }];
    },
  );
  // An operation has the id of its span.
  const operation = span.attributes?.["operation.kind"];
  const facts: Field[] = (
    ["kind", "scope", "service", "environment", "version", "host", "pid"] as const
  ).flatMap((name) => {
    const value = (span as unknown as Record<string, unknown>)[name];
    return value === undefined || value === "" ? [] : [{ name, value }];
  });
  return (
    <Panel
      label="Span"
      title={
        <span class="row">
          <Service name={span.service} />
        </span>
      }
      close={close}
      previous={previous}
      next={next}
      actions={<Copy text={() => JSON.stringify(span, null, 2)} label="Copy as JSON" />}
    >
      <div class="detail-top">
        <h2 class="span-name">
          <Text value={span.name} />
        </h2>
        <dl class="span-facts">
          <Fact name="Duration">{duration(span.duration_ms)}</Fact>
          <Fact name="Of the trace">
            {((100 * span.duration_ms) / Math.max(trace.duration_ms, 1e-9)).toFixed(1)} %
          </Fact>
          <Fact name="Itself">{duration(span.self_ms)}</Fact>
          <Fact name="Starts at">{duration(span.start_ms)}</Fact>
          <Fact name="Status">
            {span.status === "ERROR" ? (
              <span class="failed-count row">
                <Icon name="error" size={14} /> failed
              </span>
            ) : (
              span.status.toLowerCase()
            )}
          </Fact>
          <Fact name="Critical path">{span.critical ? "yes" : "no"}</Fact>
        </dl>
        {span.status_message && (
          <p class="span-message">
            <Text value={span.status_message} multiline />
          </p>
        )}
        <p class="dim">{exact(span.start_time, zone.value)}</p>
        <div class="detail-doors">
          <a class="button small" href={logsOf(trace, `span:${span.span_id}`)}>
            <Icon name="logs" size={14} /> Logs of this span
          </a>
          {typeof operation === "string" && (
            <a class="button small" href={operationUrl(span.span_id)}>
              <Icon name="jobs" size={14} /> Open the {operation}
            </a>
          )}
        </div>
      </div>
      <Logs logs={logs} trace={trace} />
      <Events span={span} />
      <Fields title="Attributes" fields={flatten("attributes", span.attributes)} onFilter={findTraces} />
      <Fields title="Context" fields={context} onFilter={findTraces} />
      <Fields title="Origin" fields={facts} onFilter={findTraces} />
      <Fields
        title="Ids"
        fields={[
          { name: "trace_id", value: trace.trace_id },
          { name: "span_id", value: span.span_id },
        ]}
      />
      <Links span={span} />
    </Panel>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Logs({ logs, trace }: { logs: TraceLog[]; trace: Trace }) {
  if (logs.length === 0) return null;
  return (
    <section class="fields">
      <h3>{plural(logs.length, "log line")}</h3>
      <ol class="context-lines">
        {logs.map((log) => (
          <li key={log.id}>
            <a
              class="context-line"
              href={`${logsOf(trace, `trace:${trace.trace_id}`)}&log=${encodeURIComponent(log.id)}`}
              title={`Open the line: ${exact(log.timestamp, zone.value)}`}
            >
              <span class="line-time number">+{duration(log.offset_ms)}</span>
              <Level level={log.level} />
              <span class="clip">
                <Text value={log.message} limit={300} />
              </span>
            </a>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Events({ span }: { span: Span }) {
  return (
    <>
      {(span.events ?? []).map((event, at) => {
        const attributes = { ...event.attributes };
        const stack = attributes["exception.stacktrace"];
        delete attributes["exception.stacktrace"];
        return (
          <div key={at}>
            <Fields
              title={`${event.name === "exception" ? "Exception" : `Event ${event.name}`} at +${duration(event.offset_ms)}`}
              fields={Object.entries(attributes).map(([name, value]) => ({ name, value }))}
            />
            {typeof stack === "string" && <Stack text={stack} title="Stack trace" />}
          </div>
        );
      })}
    </>
  );
}

function Links({ span }: { span: Span }) {
  const links = span.links ?? [];
  if (links.length === 0) return null;
  return (
    <section class="fields">
      <h3>Links</h3>
      {links.map((each) => (
        <p key={each.span_id}>
          <a href={link(`/traces/${encodeURIComponent(each.trace_id)}`, { span: each.span_id })}>
            <code>{each.trace_id}</code>
          </a>
        </p>
      ))}
    </section>
  );
}
