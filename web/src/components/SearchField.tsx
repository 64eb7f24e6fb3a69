import { useRef } from "preact/hooks";
import { useKeys } from "../state/keyboard";
import { Icon } from "./Icon";

interface Props {
  label: string;
  placeholder: string;
  value: string;
  onAsk: (text: string) => void;
}

/** A text field for words: `/` goes to it, Enter asks, Esc leaves it. */
export function SearchField({ label, placeholder, value, onAsk }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.focus() });
  return (
    <search class="search-field">
      <Icon name="search" size={14} />
      <input
        ref={input}
        class="input"
        aria-label={label}
        placeholder={placeholder}
        spellcheck={false}
        value={value}
        onChange={(event) => onAsk(event.currentTarget.value.trim())}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
    </search>
  );
}
