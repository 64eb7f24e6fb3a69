/** Ids of context fields that have a page of their own. */

import { link } from "../state/location";

interface Door {
  url: string;
  title: string;
}

const DOORS: Record<string, (id: string) => Door> = {
  job_id: (id) => ({ url: operationUrl(id, "job"), title: "Open the job" }),
  batch_id: (id) => ({ url: operationUrl(id, "batch"), title: "Open the batch" }),
  run_id: (id) => ({ url: link(`/runs/${encodeURIComponent(id)}`), title: "Open the run" }),
};

/** Address of an operation, by its id or by the key that the application gave it. */
export function operationUrl(id: string, kind?: string): string {
  return link(`/operations/${encodeURIComponent(id)}`, { kind });
}

/** The page of what a context field names; undefined where there is none. */
export function door(field: string, id: string): Door | undefined {
  return DOORS[field]?.(id);
}
