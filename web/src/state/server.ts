/** What the server says about itself and about who sends to it; asked now and then. */

import { signal } from "@preact/signals";
import { Failure, get } from "../api/client";
import type { ServiceRow, Status } from "../api/types";

const EVERY_MS = 5000;

export const status = signal<Status | undefined>(undefined);
export const statusFailure = signal<Failure | undefined>(undefined);
export const serviceRows = signal<ServiceRow[] | undefined>(undefined);
/** Errors that nobody has looked at yet: new ones, and those that came back. */
export const freshErrors = signal(0);

/** Asks for status, services and fresh errors. */
export async function refreshServer(): Promise<void> {
  try {
    const [about, rows, fresh] = await Promise.all([
      get<Status>("/v1/status"),
      get<{ services: ServiceRow[] }>("/v1/services"),
      get<{ total: number }>("/v1/errors?status=new&status=regressed&limit=1"),
    ]);
    status.value = about;
    serviceRows.value = rows.services;
    freshErrors.value = fresh.total;
    statusFailure.value = undefined;
  } catch (error) {
    statusFailure.value =
      error instanceof Failure ? error : new Failure(0, "The status cannot be shown", String(error));
  }
}

/** Keeps asking while the page is looked at. */
export function watchServer(): void {
  const ask = () => {
    if (!document.hidden) void refreshServer();
  };
  ask();
  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
}

/** Colours of services, the same all over the screen; there are ten (`--service-0` …), the last one grey. */
const COLOURS = 9;
const taken = new Map<string, number>();

/** Number of the colour of a service; those beyond the ninth are grey. */
export function serviceColour(service: string): number {
  const known = taken.get(service);
  if (known !== undefined) return known;
  let hash = 0;
  for (const letter of service) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  const used = new Set(taken.values());
  let colour = hash % COLOURS;
  for (let step = 0; step < COLOURS && used.has(colour); step += 1) colour = (colour + 1) % COLOURS;
  if (used.has(colour)) colour = COLOURS;
  taken.set(service, colour);
  return colour;
}
