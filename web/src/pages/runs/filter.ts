/** What the Runs page is asked to show, read from the address bar. */

import { computed } from "@preact/signals";
import { type OperationStatus, STATUSES } from "../../api/operations";
import { link, param, update } from "../../state/location";
import { asked, instant, range } from "../../state/range";
import { environments, services } from "../../state/scope";

export const text = param("q");
const nameParam = param("name");
const statusParam = param("status");
const chosenParam = param("chosen");

/** A name may hold a comma, so the parameter holds one name alone. */
export const names = computed(() => (nameParam.value === "" ? [] : [nameParam.value]));
export const statuses = computed(() =>
  statusParam.value.split(",").filter((each): each is OperationStatus => STATUSES.includes(each as never)),
);
/** Runs that were ticked, in the order in which they were. */
export const chosen = computed(() => chosenParam.value.split(",").filter(Boolean).map(decodeURIComponent));

export const narrowed = computed(
  () => text.value !== "" || names.value.length > 0 || statuses.value.length > 0,
);

export function narrow(changes: { q?: string; name?: string; status?: string[] }): void {
  const { q, name, status } = changes;
  update({
    ...(q === undefined ? {} : { q }),
    ...(name === undefined ? {} : { name }),
    ...(status === undefined ? {} : { status: status.join(",") }),
  });
}

/** As many can be compared. */
const SIDES = 2;

/** Ticks a run or takes the tick away; a third one takes the place of the first. */
export function tick(id: string): void {
  const without = chosen.peek().filter((each) => each !== id);
  const next = without.length < chosen.peek().length ? without : [...without, id].slice(-SIDES);
  update({ chosen: next.map(encodeURIComponent).join(",") }, true);
}

export function untick(): void {
  update({ chosen: null }, true);
}

/** Address of two runs side by side; the older one is what the newer is measured by. */
export function comparison(
  one: { run_id: string; started_at: string },
  other: { run_id: string; started_at: string },
): string {
  const [a, b] = one.started_at <= other.started_at ? [one, other] : [other, one];
  return link("/runs/compare", { a: a.run_id, b: b.run_id });
}

/** Scope and time as parameters of a request. */
export const scope = computed(() => {
  asked.value; // asked again: "now" has moved on
  const search = new URLSearchParams();
  for (const each of services.value) search.append("service", each);
  for (const each of environments.value) search.append("environment", each);
  search.set("start_time", new Date(instant(range.value.from)).toISOString());
  if (range.value.to !== "now") search.set("end_time", new Date(instant(range.value.to)).toISOString());
  return search;
});

/** The filter as parameters of a request. */
export const filter = computed(() => {
  const search = new URLSearchParams(scope.value);
  for (const each of names.value) search.append("name", each);
  for (const each of statuses.value) search.append("status", each);
  if (text.value !== "") search.set("q", text.value);
  return search.toString();
});
