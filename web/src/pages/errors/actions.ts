/** What a person decides about errors. */

import { Failure, post } from "../../api/client";
import type { IssueStatus } from "../../api/errors";

/** Action → its key, its word, and the status that it leads to. */
export const ACTIONS = {
  resolve: { key: "e", says: "Resolve", status: "resolved" },
  acknowledge: { key: "a", says: "Acknowledge", status: "acknowledged" },
  ignore: { key: "i", says: "Ignore", status: "ignored" },
} as const satisfies Record<string, { key: string; says: string; status: IssueStatus }>;
/** What can be asked of the server; opening again has no key in the list. */
export type Act = keyof typeof ACTIONS | "reopen";

/** Does something that may fail; gives what went wrong. */
export async function attempt(work: () => Promise<unknown>): Promise<Failure | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error instanceof Failure ? error : new Failure(0, "That could not be done", String(error));
  }
}

/** Does the same to several issues; gives what went wrong. */
export function act(
  name: Act,
  ids: string[],
  more: Record<string, unknown> = {},
): Promise<Failure | undefined> {
  return attempt(() => post("/v1/errors/update", { ids, action: name, ...more }));
}

/** Makes several issues one; the first takes the others in. */
export function merge(ids: string[]): Promise<Failure | undefined> {
  const [into, ...others] = ids;
  return attempt(() => post(`/v1/errors/${encodeURIComponent(into ?? "")}/merge`, { ids: others }));
}
