/** Talks to the server: JSON in and out, failures as one kind of error. */

import { signal } from "@preact/signals";

/** What went wrong, in words a person can use (RFC 9457 when the server said it). */
export class Failure extends Error {
  override name = "Failure";
  constructor(
    /** HTTP status; 0 when the server did not answer at all. */
    readonly status: number,
    readonly title: string,
    readonly detail = "",
    readonly errors: { field: string; message: string }[] = [],
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }
}

/** True once the server asked for a token: one beyond loopback does. A cookie stands for it from then on. */
export const tokenWanted = signal(false);

/** Whether an error only says that nobody waits for the answer any more. */
export function aborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/**
 * Sends a request and checks the answer.
 *
 * @throws Failure when the server refuses or does not answer; an AbortError passes as it is.
 */
export async function send(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (aborted(error)) throw error;
    throw new Failure(0, "The server does not answer", "Is `plainview serve` still running?");
  }
  if (response.ok) return response;
  if (response.status === 401) tokenWanted.value = true;
  const problem = await response.json().catch(() => ({}));
  throw new Failure(
    response.status,
    text(problem.title) || text(problem.error) || `The server answered ${response.status}`,
    text(problem.detail),
    Array.isArray(problem.errors) ? problem.errors : [],
  );
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** GETs JSON. */
export async function get<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await send(url, { signal: signal ?? null });
  return response.json() as Promise<T>;
}

/** POSTs JSON and reads JSON. */
export async function post<T>(url: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
  return response.json() as Promise<T>;
}
