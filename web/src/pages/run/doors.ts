/** Ways from a run to its records. */

import type { Run } from "../../api/runs";
import { link } from "../../state/location";
import { quote } from "../../text/query";

const MARGIN_MS = 60_000;

/** The time of a run with some around it; without an end while it goes on. */
export function spanned(run: Run): { from: string; to: string | null } {
  const end = run.ended_at ?? (run.status === "running" ? null : run.last_seen);
  return {
    from: new Date(Date.parse(run.started_at) - MARGIN_MS).toISOString(),
    to: end === null ? null : new Date(Date.parse(end) + MARGIN_MS).toISOString(),
  };
}

/** What all records of a run have. */
export function query(run: Run): string {
  return `run_id:${quote(run.run_id)}`;
}

/** The log lines of a run. */
export function logsUrl(run: Run, more = ""): string {
  return link("/logs", { q: `${query(run)} ${more}`.trim(), ...spanned(run) });
}
