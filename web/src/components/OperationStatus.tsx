import type { OperationStatus as Name } from "../api/operations";

/** A sign for each status, so that it is told without its colour; and its word. */
export const STATUS_SIGNS: Record<Name, { sign: string; says: string }> = {
  queued: { sign: "○", says: "queued" },
  running: { sign: "▸", says: "running" },
  completed: { sign: "✓", says: "completed" },
  failed: { sign: "×", says: "failed" },
  cancelled: { sign: "–", says: "cancelled" },
  dead_lettered: { sign: "†", says: "dead letter" },
  abandoned: { sign: "!", says: "abandoned" },
};

interface Props {
  status: Name;
  /** Only the sign; the word is for those who cannot see it. */
  sign?: boolean;
  role?: "gridcell";
}

/** How an operation stands. */
export function OperationStatus({ status, sign: only = false, role }: Props) {
  const { sign, says } = STATUS_SIGNS[status] ?? { sign: "?", says: status };
  return (
    <span class={`operation-status operation-${status}`} title={only ? says : undefined} role={role}>
      <i aria-hidden="true">{sign}</i> <span class={only ? "unseen" : ""}>{says}</span>
    </span>
  );
}
