import { type Signal, useSignal } from "@preact/signals";
import { get } from "../../api/client";
import { CONTEXT, type Entry } from "../../api/types";
import { Copy } from "../../components/Copy";
import { door } from "../../components/doors";
import { type Field, Fields, flatten } from "../../components/Fields";
import { Icon, type IconName } from "../../components/Icon";
import { Level } from "../../components/Level";
import { Panel } from "../../components/Panel";
import { Service } from "../../components/Service";
import { Stack } from "../../components/Stack";
import { Failed, Skeleton } from "../../components/States";
import { Text } from "../../components/Text";
import { link } from "../../state/location";
import { zone } from "../../state/preferences";
import { useResource } from "../../state/resource";
import { duration, exact } from "../../text/format";
import { quote } from "../../text/query";
import { Context } from "./Context";
import type { Feed } from "./feed";
import { marks, open, opened, pick, toggleColumn } from "./filter";

const SHOWN_MESSAGE = 20_000;

interface Props {
  feed: Feed;
  cursor: Signal<number>;
  step: (by: number) => void;
}

/** The panel of one line. */
export function Detail({ feed, cursor, step }: Props) {
  const id = opened.value;
  const tab = useSignal<"details" | "context">("details");
  const there = feed.at(cursor.value);
  const near = there?.id === id ? there : undefined;
  const answer = useResource(near ? null : id, (signal) =>
    get<Entry>(`/v1/logs/${encodeURIComponent(id)}`, signal),
  );
  const fetched = answer.data.value;
  const entry = near ?? (fetched?.id === id ? fetched : undefined);
  const place = near ? cursor.value : -1;
  const tabs = (
    <div class="tabs" role="tablist" aria-label="About this line">
      {(["details", "context"] as const).map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          aria-selected={tab.value === name}
          class="tab"
          onClick={() => {
            tab.value = name;
          }}
        >
          {name === "details" ? "Details" : "Before and after"}
        </button>
      ))}
    </div>
  );
  return (
    <Panel
      label="Log line"
      title={tabs}
      close={() => open(null)}
      previous={place > 0 ? () => step(-1) : undefined}
      next={place >= 0 && place < feed.count.value - 1 ? () => step(1) : undefined}
      actions={entry && <Copy text={() => JSON.stringify(entry, null, 2)} label="Copy as JSON" />}
    >
      {entry ? (
        tab.value === "details" ? (
          <Details entry={entry} />
        ) : (
          <Context entry={entry} />
        )
      ) : answer.failure.value ? (
        <Failed failure={answer.failure.value} retry={answer.retry} />
      ) : (
        answer.slow.value && <Skeleton rows={10} />
      )}
    </Panel>
  );
}

/** Places that look at the same context, for each id that has one. */
function doors(entry: Entry): { url: string; name: string; icon: IconName }[] {
  const found: { url: string; name: string; icon: IconName }[] = [];
  if (entry.trace_id) {
    found.push({
      url: link(`/traces/${encodeURIComponent(entry.trace_id)}`, { span: entry.span_id }),
      name: "Open the trace",
      icon: "traces",
    });
  }
  for (const field of CONTEXT) {
    const opened = door(field, entry[field] ?? "");
    if (opened && entry[field]) found.push({ url: opened.url, name: opened.title, icon: "jobs" });
  }
  for (const [field, name] of [
    ["request_id", "This request"],
    ["job_id", "This job"],
    ["run_id", "This run"],
  ] as const) {
    const id = entry[field];
    if (id) {
      const q = `${field.replace("_id", "")}:${quote(id)}`;
      found.push({ url: link("/logs", { q }), name, icon: "filter" });
    }
  }
  return found;
}

function Details({ entry }: { entry: Entry }) {
  const context = CONTEXT.filter((name) => entry[name] !== undefined).map((name): Field => {
    const value = entry[name] as string;
    const opened = door(name, value);
    if (opened) return { name, value, open: opened };
    if (name !== "trace_id") return { name, value };
    return {
      name,
      value,
      open: {
        url: link(`/traces/${encodeURIComponent(value)}`, { span: entry.span_id }),
        title: "Open the trace",
      },
    };
  });
  const { source, exception } = entry;
  const where: Field[] = [
    ...(["logger", "service", "environment", "version", "host", "pid"] as const).flatMap((name) =>
      entry[name] === undefined ? [] : [{ name, value: entry[name] }],
    ),
    ...(["file", "function", "line"] as const).flatMap((name) =>
      source?.[name] === undefined ? [] : [{ name: `source_${name}`, label: name, value: source[name] }],
    ),
  ];
  const fault: Field[] = (["type", "message", "fingerprint"] as const).flatMap((name) =>
    exception?.[name] === undefined
      ? []
      : [{ name: `exception_${name}`, label: name, value: exception[name] }],
  );
  const timing: Field[] =
    entry.duration_ms === undefined
      ? []
      : [
          {
            name: "duration_ms",
            label: "duration",
            value: entry.duration_ms,
            shown: duration(entry.duration_ms),
          },
        ];
  const links = doors(entry);
  return (
    <>
      <div class="detail-top">
        <div class="row detail-line">
          <Level level={entry.level} word />
          <time class="dim" dateTime={entry.timestamp}>
            {exact(entry.timestamp, zone.value)}
          </time>
          <span class="grow" />
          {entry.service && <Service name={entry.service} />}
        </div>
        <div class="detail-message">
          <pre tabIndex={0}>
            <Text value={entry.message} marks={marks.value} multiline limit={SHOWN_MESSAGE} />
          </pre>
          <Copy text={entry.message} label="Copy the message" />
        </div>
        {links.length > 0 && (
          <div class="detail-doors">
            {links.map(({ url, name, icon }) => (
              <a key={name} class="button small" href={url}>
                <Icon name={icon} size={14} />
                {name}
              </a>
            ))}
          </div>
        )}
      </div>
      {exception?.stack_trace && <Stack text={exception.stack_trace} title="Stack trace" />}
      <Fields title="Exception" fields={fault} onFilter={pick} onColumn={toggleColumn} />
      <Fields
        title="Fields"
        fields={[...timing, ...flatten("extra", entry.extra)]}
        onFilter={pick}
        onColumn={toggleColumn}
      />
      <Fields title="Context" fields={context} onFilter={pick} onColumn={toggleColumn} />
      <Fields title="Origin" fields={where} onFilter={pick} onColumn={toggleColumn} />
    </>
  );
}
