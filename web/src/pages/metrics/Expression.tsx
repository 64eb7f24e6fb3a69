/** The PromQL line of a chart, with completion of functions, metrics and labels. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Family, labelNames } from "./answers";
import { type Completion, completions } from "./completion";

interface Props {
  value: string;
  families: Family[];
  onAsk: (expression: string) => void;
}

let known: string[] | undefined;

export function Expression({ value, families, onAsk }: Props) {
  const draft = useSignal(value);
  const found = useSignal<Completion[]>([]);
  const at = useSignal(0);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    draft.value = value;
  }, [value]);

  const suggest = () => {
    const element = input.current;
    if (!element) return;
    if (!known) {
      known = [];
      labelNames().then(
        (names) => {
          known = names;
        },
        () => {
          known = undefined; // the next letter tries again
        },
      );
    }
    const caret = element.selectionStart ?? element.value.length;
    found.value = completions(element.value, caret, families, known ?? []);
    at.value = 0;
  };
  const take = (completion: Completion) => {
    const text =
      draft.value.slice(0, completion.start) + completion.insert + draft.value.slice(completion.end);
    const caret = completion.start + completion.insert.length - (completion.inside ? 1 : 0);
    draft.value = text;
    found.value = [];
    const element = input.current;
    if (!element) return;
    element.value = text; // now, so that the caret can be put into it before the next key arrives
    element.focus();
    element.setSelectionRange(caret, caret);
  };
  const ask = () => {
    found.value = [];
    onAsk(draft.value.trim());
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const list = found.value;
    const chosen = list[at.value];
    if (event.key === "Enter") ask();
    else if (event.key === "Tab" && chosen && !event.shiftKey) take(chosen);
    else if (event.key === "ArrowDown" && chosen) at.value = (at.value + 1) % list.length;
    else if (event.key === "ArrowUp" && chosen) at.value = (at.value + list.length - 1) % list.length;
    else if (event.key === "Escape" && list.length > 0) found.value = [];
    else if (event.key === "Escape") input.current?.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="expression">
      <input
        ref={input}
        class="input mono expression-input"
        role="combobox"
        aria-label="PromQL expression"
        aria-expanded={found.value.length > 0}
        aria-controls="expression-list"
        aria-autocomplete="list"
        placeholder='sum by (method) (rate(http_requests_total{status=~"5.."}[5m]))'
        spellcheck={false}
        autocomplete="off"
        value={draft.value}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
          suggest();
        }}
        onBlur={() => {
          found.value = [];
        }}
        onKeyDown={onKeyDown}
      />
      <button type="button" class="button small" onClick={ask} disabled={draft.value.trim() === ""}>
        Ask
      </button>
      {found.value.length > 0 && (
        <div id="expression-list" class="query-list" role="listbox" aria-label="Suggestions">
          {found.value.map((each, place) => (
            <div
              key={each.text}
              role="option"
              tabIndex={-1}
              class="query-option"
              aria-selected={place === at.value}
              onPointerDown={(event) => {
                event.preventDefault();
                take(each);
              }}
            >
              <code class="grow clip">{each.text}</code>
              <span class="dim">{each.note}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
