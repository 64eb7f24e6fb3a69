import type { ComponentChildren } from "preact";
import type { OperationDetail } from "../../api/operations";
import { CONTEXT } from "../../api/types";
import { door, operationUrl } from "../../components/doors";
import { type Field, Fields, flatten } from "../../components/Fields";
import { OperationStatus, STATUS_SIGNS } from "../../components/OperationStatus";
import { Text } from "../../components/Text";
import { link, navigate } from "../../state/location";
import { ago, bytes, count, duration, plural } from "../../text/format";
import { quote, toggle } from "../../text/query";
import { reached } from "../../text/reached";
import { amount } from "../../text/units";

const FEW = 50;

/** What it used and made; what went in and came out; its attempts, failed items, errors and context. */
export function Facts({ detail }: { detail: OperationDetail }) {
  const { operation, attempts, items_failed: items, errors } = detail;
  const context = CONTEXT.flatMap((name): Field[] => {
    const value = (operation as unknown as Record<string, unknown>)[name];
    if (typeof value !== "string" || value === "") return [];
    const open =
      name === "trace_id"
        ? { url: link(`/traces/${encodeURIComponent(value)}`), title: "Open the trace" }
        : ((value === operation.key ? undefined : door(name, value)) ?? {
            url: link("/logs", { q: `${name}:${quote(value)}`, from: "-30d" }),
            title: "Open the logs",
          });
    return [{ name, value, open }];
  });
  return (
    <aside class="operation-side" aria-label="Facts">
      <Numbers detail={detail} />
      {attempts.length > 1 && (
        <Section name={plural(attempts.length, "attempt")}>
          <ol>
            {attempts.map((each, at) => (
              <li key={each.operation_id} class="row attempt">
                <OperationStatus status={each.status} sign />
                {each.operation_id === operation.operation_id ? (
                  <b>attempt {Math.max(each.attempt, at + 1)}</b>
                ) : (
                  <a href={operationUrl(each.operation_id)}>attempt {Math.max(each.attempt, at + 1)}</a>
                )}
                <span class="clip">
                  {STATUS_SIGNS[each.status].says}
                  {each.recovers && ", recovered"}
                </span>
                <span class="grow" />
                <span class="dim">{ago(each.started_at)}</span>
              </li>
            ))}
          </ol>
        </Section>
      )}
      {errors.length > 0 && (
        <Section name={plural(errors.length, "error")}>
          <ul>
            {errors.slice(0, FEW).map((each) => (
              <li key={each.error_id} class="clip">
                <a href={each.url}>
                  <Text value={`${each.error_type}: ${each.error_message}`} limit={200} />
                </a>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {items.length > 0 && (
        <Section name={plural(items.length, "failed item")}>
          <ul>
            {items.slice(0, FEW).map((each, at) => (
              <li key={at} class="failed-item">
                <b class="mono">
                  <Text value={itemName(each.data)} limit={60} />
                </b>{" "}
                <Text value={each.reason ?? ""} limit={200} />
                {typeof each.data?.job_id === "string" && (
                  <>
                    {" "}
                    <a href={operationUrl(each.data.job_id, "job")}>its job</a>
                  </>
                )}
              </li>
            ))}
          </ul>
          {items.length > FEW && <p class="dim">and {count(items.length - FEW)} more</p>}
        </Section>
      )}
      <Fields title="Inputs" fields={flatten("inputs", detail.inputs ?? {})} />
      <Fields title="Results" fields={flatten("results", detail.results ?? {})} />
      <Fields title="Configuration" fields={flatten("configuration", detail.configuration ?? {})} />
      <Fields title="Last checkpoint" fields={flatten("checkpoint", operation.checkpoint ?? {})} />
      <Fields title="Context" fields={context} onFilter={findLogs} />
    </aside>
  );
}

function findLogs(name: string, value: string, exclude: boolean): void {
  navigate(link("/logs", { q: toggle("", name, value, exclude) }));
}

function Section({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <section class="fields">
      <h3>{name}</h3>
      {children}
    </section>
  );
}

/** What a failed item is called: its index, its id, or all that is known. */
function itemName(data: Record<string, unknown> | null | undefined): string {
  const { index, id, item } = data ?? {};
  if (index !== undefined) return `#${index}`;
  return String(id ?? item ?? "");
}

function Numbers({ detail }: { detail: OperationDetail }) {
  const { operation } = detail;
  const { rows } = operation;
  const seconds = (operation.duration_ms ?? 0) / 1000;
  const shown: [string, string][] = [
    ["Duration", operation.duration_ms === null ? "" : duration(operation.duration_ms)],
    ["CPU", operation.cpu_ms === null ? "" : duration(operation.cpu_ms)],
    ["Memory peak", operation.memory_peak_bytes === null ? "" : bytes(operation.memory_peak_bytes)],
    ["Memory change", delta(operation.memory_delta_bytes)],
    ["Rows", rows === null ? "" : count(rows)],
    ["Rows a second", rows === null || seconds === 0 ? "" : amount(rows / seconds)],
    ["Done", reached(operation.done, operation.total)],
    ["Failed items", operation.items_failed > 0 ? count(operation.items_failed) : ""],
  ];
  return (
    <dl class="operation-numbers">
      {shown
        .filter(([, value]) => value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt class="dim">{name}</dt>
            <dd>
              <b>{value}</b>
            </dd>
          </div>
        ))}
    </dl>
  );
}

function delta(value: number | null): string {
  if (value === null) return "";
  return `${value < 0 ? "−" : "+"}${bytes(Math.abs(value))}`;
}
