import { useRef } from "preact/hooks";
import { Icon } from "../../components/Icon";
import { useKeys } from "../../state/keyboard";

/** A text field for words; Enter asks, Esc leaves it. */
export function Search({ value, onAsk }: { value: string; onAsk: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.focus() });
  return (
    <search class="errors-search">
      <Icon name="search" size={14} />
      <input
        ref={input}
        class="input"
        aria-label="Search errors"
        placeholder="Type, message or place  ( / )"
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
