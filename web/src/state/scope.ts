/** What all pages look at: services, environments, whether it goes on by itself. */

import { computed } from "@preact/signals";
import { param, update } from "./location";
import { moving, range } from "./range";

function list(name: string) {
  const text = param(name);
  return computed(() => text.value.split(",").filter(Boolean));
}

export const services = list("service");
export const environments = list("env");

const liveParam = param("live");
/** New records show by themselves; only a range that ends now can be live. */
export const live = computed(() => liveParam.value === "1" && moving(range.value));

/** Chooses services or environments; none means all. */
export function choose(name: "service" | "env", values: string[]): void {
  update({ [name]: values.join(",") });
}

/** Turns live mode on or off; a range in the past gives way to one that ends now. */
export function setLive(on: boolean): void {
  const past = on && !moving(range.value);
  update({ live: on ? "1" : null, ...(past ? { from: null, to: null } : {}) });
}

/** The scope as the fields of a request. */
export const scoped = computed(() => ({
  start_time: range.value.from,
  end_time: range.value.to,
  ...(services.value.length > 0 ? { service: services.value } : {}),
  ...(environments.value.length > 0 ? { environment: environments.value } : {}),
}));
