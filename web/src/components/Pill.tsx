import type { Term } from "../text/query";
import { visibleString } from "../text/visible";
import { Icon } from "./Icon";

interface Props {
  term: Term;
  /** Puts it back into the text field. */
  onEdit: () => void;
  onRemove: () => void;
}

/** One term of a query: field, operator and value, or a text that is looked for. */
export function Pill({ term, onEdit, onRemove }: Props) {
  const raw = visibleString(term.raw);
  return (
    <span class={term.negated ? "pill negated" : "pill"}>
      <button type="button" class="pill-text clip" title={`Edit ${raw}`} onClick={onEdit}>
        {term.negated && <b class="pill-not">not </b>}
        {term.field !== undefined && <span class="pill-field">{term.field}</span>}
        {term.field !== undefined && <span class="pill-colon">:</span>}
        {visibleString(term.field === undefined ? bare(term) : raw.slice(raw.indexOf(":") + 1))}
      </button>
      <button
        type="button"
        class="pill-remove"
        aria-label={`Remove ${raw}`}
        title="Remove"
        onClick={onRemove}
      >
        <Icon name="close" size={10} />
      </button>
    </span>
  );
}

function bare(term: Term): string {
  return term.negated ? term.raw.slice(1) : term.raw;
}
