import { type Operation, share } from "../api/operations";
import { reached } from "../text/reached";

type Known = Pick<Operation, "done" | "total" | "percent" | "step" | "name">;

/** How far an operation is: a bar, and the numbers beside it; where nobody can know, that it goes on. */
export function Progress({ operation, idle = false }: { operation: Known; idle?: boolean }) {
  const part = share(operation);
  const numbers = reached(operation.done, operation.total);
  const percent = part === undefined ? "" : `${Math.floor(part * 100)} %`;
  const text = [percent, numbers].filter(Boolean).join(" · ");
  return (
    <span class="progress">
      <span
        class={`progress-bar${part === undefined ? " unknown" : ""}${idle ? " idle" : ""}`}
        role="progressbar"
        aria-label={`Progress of ${operation.name}`}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(part === undefined ? {} : { "aria-valuenow": Math.floor(part * 100) })}
        aria-valuetext={text || "under way"}
      >
        <i style={part === undefined ? {} : { width: `${part * 100}%` }} />
      </span>
      <span class="progress-text">{text}</span>
    </span>
  );
}
