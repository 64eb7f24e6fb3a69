/** The query line: finished terms are pills, the one being written is a text field with completion. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { FacetValue } from "../api/types";
import { useKeys } from "../state/keyboard";
import { recent, remember } from "../state/preferences";
import { useResource } from "../state/resource";
import { fieldSuggestions, type Suggestion, stub, valueSuggestions } from "../text/completion";
import { add, finished, nameable, tokenise, without } from "../text/query";
import { visibleString } from "../text/visible";
import { Icon } from "./Icon";
import { Pill } from "./Pill";

interface Props {
  query: string;
  onAsk: (query: string) => void;
  placeholder: string;
  /** Names that can stand before a colon. */
  fields: (signal: AbortSignal) => Promise<{ field: string; type: string }[]>;
  /** Values of a field, the most frequent first; `valuesKey` is what they depend on. */
  values: (field: string, signal: AbortSignal) => Promise<FacetValue[]>;
  valuesKey: string;
}

export function QueryBar(props: Props) {
  const { query } = props;
  const draft = useSignal("");
  const focused = useSignal(false);
  const at = useSignal(-1);
  const input = useRef<HTMLInputElement>(null);
  const terms = tokenise(query);
  useKeys({ "/": () => input.current?.focus() });

  const suggestions = useSuggestions(props, draft.value, focused.value);
  const shown = focused.value ? suggestions : [];
  const index = at.value < shown.length ? at.value : -1;

  const set = (text: string) => {
    draft.value = text;
    at.value = -1;
  };
  const commit = (text: string) => {
    const next = add(query, text);
    set("");
    remember(next);
    props.onAsk(next);
  };
  const take = (suggestion: Suggestion) => {
    const place = stub(draft.value)?.start ?? 0;
    const text = draft.value.slice(0, place) + suggestion.insert;
    if (suggestion.whole) commit(text);
    else set(text);
    input.current?.focus();
  };
  const edit = (place: number) => {
    const raw = terms[place]?.raw ?? "";
    props.onAsk(without(query, place));
    set(raw);
    input.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const { key } = event;
    if (key === "Enter") {
      if (index >= 0) take(shown[index] as Suggestion);
      else commit(draft.value);
    } else if (key === "Tab" && shown.length > 0 && draft.value !== "" && !event.shiftKey)
      take(shown[Math.max(0, index)] as Suggestion);
    else if (key === "ArrowDown") at.value = Math.min(shown.length - 1, index + 1);
    else if (key === "ArrowUp") at.value = Math.max(-1, index - 1);
    else if (key === "Backspace" && draft.value === "" && terms.length > 0) edit(terms.length - 1);
    else if (key === " " && finished(draft.value)) commit(draft.value);
    else if (key === "Escape") {
      if (index >= 0) at.value = -1;
      else input.current?.blur();
    } else return;
    event.preventDefault();
  };

  return (
    <search class="query">
      <div class={focused.value ? "query-line focused" : "query-line"} onClick={() => input.current?.focus()}>
        <Icon name="search" />
        <div class="query-terms">
          {terms.map((term, place) => (
            <Pill
              key={`${place} ${term.raw}`}
              term={term}
              onEdit={() => edit(place)}
              onRemove={() => props.onAsk(without(query, place))}
            />
          ))}
          <input
            ref={input}
            class="query-input"
            role="combobox"
            aria-label="Query"
            aria-expanded={shown.length > 0}
            aria-controls="query-list"
            aria-autocomplete="list"
            aria-activedescendant={index >= 0 ? `query-${index}` : undefined}
            placeholder={terms.length === 0 ? props.placeholder : ""}
            spellcheck={false}
            autocomplete="off"
            value={draft.value}
            onInput={(event) => set(event.currentTarget.value)}
            onFocus={() => {
              focused.value = true;
            }}
            onBlur={() => {
              focused.value = false;
            }}
            onKeyDown={onKeyDown}
          />
        </div>
        {draft.value !== "" && <kbd>↵</kbd>}
        {draft.value === "" && terms.length > 0 && (
          <button
            type="button"
            class="button bare small square"
            aria-label="Clear the query"
            title="Clear the query"
            onClick={() => props.onAsk("")}
          >
            <Icon name="close" size={14} />
          </button>
        )}
        {terms.length === 0 && draft.value === "" && !focused.value && <kbd>/</kbd>}
      </div>
      {shown.length > 0 && (
        <div id="query-list" class="query-list" role="listbox" aria-label="Suggestions">
          {shown.map((each, place) => (
            <div
              key={each.insert}
              id={`query-${place}`}
              role="option"
              tabIndex={-1}
              class="query-option"
              aria-selected={place === index}
              onPointerDown={(event) => {
                event.preventDefault();
                take(each);
              }}
            >
              <code class="grow clip">{visibleString(each.text)}</code>
              <span class="dim">{each.note}</span>
            </div>
          ))}
        </div>
      )}
    </search>
  );
}

function useSuggestions(props: Props, draft: string, on: boolean): Suggestion[] {
  const place = stub(draft);
  const fields = useResource(on ? "fields" : null, props.fields);
  const field = on && place?.field && nameable(place.field) ? place.field : null;
  const values = useResource(field === null ? null : `${field} ${props.valuesKey}`, async (signal) => ({
    field,
    values: await props.values(field ?? "", signal),
  }));
  if (!place) return [];
  if (place.field !== undefined) {
    const known = values.data.value;
    return valueSuggestions(place, known?.field === place.field ? known.values : []);
  }
  const names = fieldSuggestions(place, fields.data.value ?? []);
  if (draft !== "") return place.prefix === "" ? [] : names;
  const past = recent.value
    .filter((each) => each !== props.query)
    .slice(0, 5)
    .map((each): Suggestion => ({ text: each, note: "recent", insert: each, whole: true }));
  return [...past, ...names];
}
