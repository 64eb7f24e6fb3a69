import { useSignal } from "@preact/signals";
import { Icon } from "./Icon";

async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain HTTP from another machine has no clipboard API.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

interface Props {
  text: string | (() => string);
  /** What is copied, for the tooltip and for screen readers. */
  label: string;
  /** Shown beside the icon. */
  word?: string;
}

/** Copies a text and says so for a moment. */
export function Copy({ text, label, word }: Props) {
  const done = useSignal(false);
  const run = async (event: Event) => {
    event.stopPropagation();
    await copy(typeof text === "string" ? text : text());
    done.value = true;
    setTimeout(() => {
      done.value = false;
    }, 1200);
  };
  return (
    <button
      type="button"
      class={`button bare small copy${word ? "" : " square"}`}
      title={done.value ? "Copied" : label}
      aria-label={done.value ? "Copied" : label}
      onClick={run}
    >
      <Icon name={done.value ? "check" : "copy"} size={14} />
      {word}
    </button>
  );
}
