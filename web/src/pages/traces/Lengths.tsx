import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { longest, readLength, setLengths, shortest } from "./filter";

/** Shortest and longest duration of a trace, typed with or without a unit. */
export function Lengths() {
  return (
    <fieldset class="lengths">
      <legend class="unseen">Duration</legend>
      <Length
        name="Shortest"
        placeholder="min 500ms"
        now={shortest.value}
        set={(ms) => setLengths(ms, longest.value)}
      />
      <span class="dim">–</span>
      <Length
        name="Longest"
        placeholder="max"
        now={longest.value}
        set={(ms) => setLengths(shortest.value, ms)}
      />
    </fieldset>
  );
}

interface Props {
  name: string;
  placeholder: string;
  now: number | undefined;
  set: (ms: number | undefined) => void;
}

function Length({ name, placeholder, now, set }: Props) {
  const shown = now === undefined ? "" : now < 1000 ? `${now}ms` : `${now / 1000}s`;
  const text = useSignal(shown);
  useEffect(() => {
    text.value = shown;
  }, [shown]);
  const parsed = readLength(text.value);
  const bad = text.value.trim() !== "" && parsed === undefined;
  const apply = () => {
    if (!bad && text.value !== shown) set(parsed);
  };
  return (
    <input
      class="input"
      aria-label={`${name} duration`}
      aria-invalid={bad}
      placeholder={placeholder}
      value={text.value}
      onInput={(event) => {
        text.value = event.currentTarget.value;
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") apply();
        if (event.key === "Escape") event.currentTarget.blur();
      }}
      onBlur={apply}
    />
  );
}
