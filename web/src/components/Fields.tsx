/** A record's fields, each of which can be filtered by, shut out and copied. */

import type { ComponentChildren } from "preact";
import { nameable } from "../text/query";
import { Copy } from "./Copy";
import { Icon } from "./Icon";
import { Text } from "./Text";

export interface Field {
  /** Name in a query. */
  name: string;
  /** Name as shown, when shorter. */
  label?: string;
  value: unknown;
  /** Where the value leads. */
  open?: { url: string; title: string };
  /** Drawn instead of the plain value. */
  shown?: ComponentChildren;
}

interface Props {
  title: string;
  fields: Field[];
  /** Click (or, with alt, not this); absent: values cannot be filtered by. */
  onFilter?: ((name: string, value: string, exclude: boolean) => void) | undefined;
  /** Adds the field as a column of the list; absent: there are no columns. */
  onColumn?: ((name: string) => void) | undefined;
}

const LONGEST = 20_000;

export function Fields({ title, fields, onFilter, onColumn }: Props) {
  if (fields.length === 0) return null;
  return (
    <section class="fields">
      <h3>{title}</h3>
      <dl>
        {fields.map((field) => (
          <Row key={field.name} field={field} onFilter={onFilter} onColumn={onColumn} />
        ))}
      </dl>
    </section>
  );
}

function Row({ field, onFilter, onColumn }: { field: Field } & Pick<Props, "onFilter" | "onColumn">) {
  const text = asText(field.value);
  const can = onFilter && nameable(field.name) && !isNested(field.value) && text.length < 1000;
  const content = field.shown ?? <Text value={text} multiline limit={LONGEST} />;
  return (
    <div class="field">
      <dt class="clip" title={field.name}>
        <Text value={field.label ?? field.name} />
      </dt>
      <dd>
        {can ? (
          <button
            type="button"
            class="field-value"
            title="Click: only this. Alt-click: not this."
            onClick={(event) => onFilter(field.name, text, event.altKey)}
          >
            {content}
          </button>
        ) : (
          <span class="field-value plain">{content}</span>
        )}
        <span class="field-actions">
          {field.open && (
            <a
              class="button bare small square"
              href={field.open.url}
              title={field.open.title}
              aria-label={field.open.title}
            >
              <Icon name="link" size={14} />
            </a>
          )}
          {can && (
            <button
              type="button"
              class="button bare small square"
              title="Exclude this value"
              aria-label={`Exclude this ${field.name}`}
              onClick={() => onFilter(field.name, text, true)}
            >
              <Icon name="exclude" size={14} />
            </button>
          )}
          {onColumn && nameable(field.name) && (
            <button
              type="button"
              class="button bare small square"
              title="Show as a column"
              aria-label={`Show ${field.name} as a column`}
              onClick={() => onColumn(field.name)}
            >
              <Icon name="columns" size={14} />
            </button>
          )}
          <Copy text={text} label="Copy the value" />
        </span>
      </dd>
    </div>
  );
}

function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** A value as text: strings as they are, the rest as JSON. */
export function asText(value: unknown): string {
  if (typeof value === "string") return value;
  return isNested(value) ? JSON.stringify(value, null, 2) : String(value);
}

/** An object's leaves as fields with dotted names; lists and empty objects stay whole. */
export function flatten(prefix: string, object: Record<string, unknown> | undefined, depth = 0): Field[] {
  return Object.entries(object ?? {}).flatMap(([key, value]): Field[] => {
    const name = `${prefix}.${key}`;
    const inner = isNested(value) && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
    if (inner && depth < 4 && Object.keys(inner).length > 0) return flatten(name, inner, depth + 1);
    return [{ name, label: name.slice(name.indexOf(".") + 1), value }];
  });
}
