import type { OccurrenceDetail } from "../../api/errors";
import { CONTEXT, type Entry } from "../../api/types";
import { door } from "../../components/doors";
import { EntryLines } from "../../components/EntryLines";
import { type Field, Fields, flatten } from "../../components/Fields";
import { Icon } from "../../components/Icon";
import { Level } from "../../components/Level";
import { Service } from "../../components/Service";
import { Text } from "../../components/Text";
import { link } from "../../state/location";
import { zone } from "../../state/preferences";
import { between } from "../../state/range";
import { exact, plural } from "../../text/format";
import { quote } from "../../text/query";
import { Chain } from "./Chain";

const AROUND_MS = 5 * 60_000;

/** One occurrence whole: the exceptions, what was logged before, what was current. */
export function OccurrenceView({ occurrence }: { occurrence: OccurrenceDetail }) {
  const time = occurrence.timestamp ?? "";
  const at = Date.parse(time);
  const around = between(at - AROUND_MS, at + AROUND_MS);
  const context: Field[] = CONTEXT.filter((name) => occurrence[name]).map((name) => ({
    name,
    value: occurrence[name],
    open:
      name === "trace_id"
        ? { url: link(`/traces/${encodeURIComponent(occurrence.trace_id ?? "")}`), title: "Open the trace" }
        : (door(name, String(occurrence[name])) ?? {
            url: link("/logs", { q: `${name}:${quote(String(occurrence[name]))}`, ...around }),
            title: "Open the logs",
          }),
  }));
  const origin: Field[] = (
    ["service", "environment", "version", "host", "pid", "logger", "component", "mechanism"] as const
  )
    .filter((name) => occurrence[name] !== undefined && occurrence[name] !== "")
    .map((name) => ({ name, value: occurrence[name] }));
  return (
    <>
      <div class="row occurrence-head">
        {occurrence.level && <Level level={occurrence.level} word />}
        <time dateTime={time}>{exact(time, zone.value)}</time>
        {occurrence.service && <Service name={occurrence.service} />}
        {!occurrence.handled && <span class="badge-error">not handled</span>}
        {occurrence.count > 1 && (
          <span class="dim">stands for {plural(occurrence.count, "occurrence")} of a storm</span>
        )}
        <span class="grow" />
        {occurrence.trace_id && (
          <a class="button small" href={link(`/traces/${encodeURIComponent(occurrence.trace_id)}`)}>
            <Icon name="traces" size={12} /> Trace
          </a>
        )}
        {occurrence.request_id && (
          <a
            class="button small"
            href={link("/logs", { q: `request:${quote(occurrence.request_id)}`, ...around })}
          >
            <Icon name="logs" size={12} /> Logs of this request
          </a>
        )}
      </div>
      {occurrence.message && (
        <p class="occurrence-message">
          <Text value={occurrence.message} multiline limit={5000} />
        </p>
      )}
      {(occurrence.exceptions.length > 0 || occurrence.stack_trace) && (
        <Chain raised={occurrence.exceptions} stack={occurrence.stack_trace} />
      )}
      <Breadcrumbs entries={occurrence.breadcrumbs} />
      <div class="occurrence-fields">
        <Fields title="Context" fields={context} />
        <Fields title="Fields" fields={flatten("extra", occurrence.extra ?? {})} />
        <Fields title="More" fields={flatten("context", occurrence.context)} />
        <Fields title="Origin" fields={origin} />
      </div>
    </>
  );
}

/** What was logged before it, in the same request, job, trace or process; the latest line is the last. */
function Breadcrumbs({ entries }: { entries: Entry[] }) {
  if (entries.length === 0) return null;
  return (
    <section class="crumbs" aria-label="Before it happened">
      <h3>Before it happened</h3>
      <EntryLines entries={entries} />
    </section>
  );
}
