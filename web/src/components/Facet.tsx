import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { FacetValue } from "../api/types";
import { count, short } from "../text/format";
import { visibleString } from "../text/visible";
import { Icon } from "./Icon";

interface Props {
  field: string;
  values: FacetValue[];
  /** There are more values than these. */
  more: boolean;
  chosen: string[];
  excluded: string[];
  onPick: (value: string, exclude: boolean) => void;
  /** All values are shown. */
  expanded: boolean;
  onExpand: () => void;
  open: boolean;
  onOpen: () => void;
  draw?: (value: string) => ComponentChildren;
}

/** Values of a field with their counts; click takes only these, alt-click shuts one out. */
export function Facet(props: Props) {
  const needle = useSignal("");
  const { field, values, chosen, excluded, expanded } = props;
  const most = values.reduce((top, each) => Math.max(top, each.count), 1);
  const known = new Set(values.map((each) => String(each.value)));
  const missing = [...chosen, ...excluded].filter((value) => !known.has(value));
  const rows = [...missing.map((value) => ({ value, count: 0 })), ...values].filter((each) =>
    String(each.value).toLowerCase().includes(needle.value.toLowerCase()),
  );
  return (
    <section class="facet" aria-label={`Values of ${field}`}>
      <h3>
        <button type="button" class="facet-head" aria-expanded={props.open} onClick={props.onOpen}>
          <Icon name={props.open ? "down" : "right"} size={12} />
          <span class="grow clip">{visibleString(field)}</span>
          {chosen.length + excluded.length > 0 && (
            <span class="facet-set">{chosen.length + excluded.length}</span>
          )}
        </button>
      </h3>
      {props.open && expanded && (
        <input
          class="input facet-find"
          placeholder="Find a value"
          aria-label={`Find a value of ${field}`}
          value={needle.value}
          onInput={(event) => {
            needle.value = event.currentTarget.value;
          }}
        />
      )}
      {props.open && (
        <ul class={expanded ? "facet-values tall" : "facet-values"}>
          {rows.map((each) => (
            <Value
              key={String(each.value)}
              {...props}
              value={String(each.value)}
              count={each.count}
              share={each.count / most}
            />
          ))}
          {rows.length === 0 && <li class="facet-none dim">no values</li>}
        </ul>
      )}
      {props.open && (props.more || expanded) && (
        <button type="button" class="facet-all" onClick={props.onExpand}>
          {expanded ? "Show fewer" : "Show all"}
        </button>
      )}
    </section>
  );
}

interface ValueProps extends Pick<Props, "chosen" | "excluded" | "onPick" | "draw"> {
  value: string;
  count: number;
  share: number;
}

function Value({ value, count: hits, share, chosen, excluded, onPick, draw }: ValueProps) {
  const on = chosen.includes(value);
  const out = excluded.includes(value);
  const text = visibleString(value);
  return (
    <li class={`facet-value${on ? " on" : ""}${out ? " out" : ""}`}>
      <i class="facet-share" style={{ width: `${Math.max(1, share * 100)}%` }} />
      <button
        type="button"
        class="facet-pick"
        aria-pressed={on}
        title={`${text}: ${count(hits)}\nClick: only this. Alt-click: not this.`}
        onClick={(event) => onPick(value, event.altKey)}
      >
        <span class="facet-tick">
          {on ? <Icon name="check" size={12} /> : out ? <Icon name="exclude" size={12} /> : null}
        </span>
        <span class="grow clip">{draw ? draw(value) : text === "" ? <i class="dim">empty</i> : text}</span>
        <span class="facet-count">{short(hits)}</span>
      </button>
      <button
        type="button"
        class="facet-not"
        aria-label={`Exclude ${text}`}
        title="Exclude"
        onClick={() => onPick(value, true)}
      >
        <Icon name="exclude" size={12} />
      </button>
    </li>
  );
}
