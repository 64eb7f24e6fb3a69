/** What a page of operations is asked to show, read from the address bar. */

import { computed } from "@preact/signals";
import { type OperationStatus, STATUSES } from "../../api/operations";
import { param, params, path, update } from "../../state/location";
import { asked, instant, moving, range } from "../../state/range";
import { environments, services } from "../../state/scope";
import { KIND_PAGES, type KindPage } from "./kinds";

/** The page that is shown. */
export const page = computed<KindPage>(
  () => KIND_PAGES.find((each) => each.path === path.value) ?? (KIND_PAGES[0] as KindPage),
);

const kindParam = param("kind");
/** The kind that is shown; the page of tasks shows the one that was chosen. */
export const kind = computed(() =>
  page.value.path === "/tasks" && kindParam.value !== "" ? kindParam.value : page.value.kind,
);

export const text = param("q");
export const name = param("name");
/** The name whose failures are unfolded. */
export const unfolded = param("why");

const statusParam = param("status");
export const statuses = computed<OperationStatus[]>(() =>
  statusParam.value
    .split(",")
    .filter((each): each is OperationStatus => STATUSES.includes(each as OperationStatus)),
);

export const ORDERS = {
  started_at: "Started",
  duration_ms: "Duration",
  last_seen: "Last seen",
} as const;
export type Order = keyof typeof ORDERS;
export const order = computed<Order>(() => {
  const given = params.value.get("sort") ?? "";
  return given in ORDERS ? (given as Order) : "started_at";
});

/** Shows only these statuses; none means all. */
export function chooseStatuses(chosen: string[]): void {
  update({ status: chosen.join(",") });
}

/** Shows only one status, or all again. */
export function toggleStatus(status: OperationStatus): void {
  chooseStatuses(statuses.value.length === 1 && statuses.value[0] === status ? [] : [status]);
}

/** Whether anything but the scope narrows the list down. */
export const narrowed = computed(() => text.value !== "" || name.value !== "" || statuses.value.length > 0);

/** What the scope depends on, as text. */
export const scopeKey = computed(() =>
  JSON.stringify([kind.value, services.value, environments.value, range.value, asked.value]),
);
/** What the list depends on. */
export const listKey = computed(() =>
  JSON.stringify([scopeKey.value, text.value, name.value, statuses.value, order.value]),
);

/** The scope as parameters of a request, with or without its time. */
export function scope(timed: boolean): URLSearchParams {
  const search = new URLSearchParams();
  for (const each of services.value) search.append("service", each);
  for (const each of environments.value) search.append("environment", each);
  if (timed) {
    search.set("start_time", new Date(instant(range.value.from)).toISOString());
    if (!moving(range.value)) search.set("end_time", new Date(instant(range.value.to)).toISOString());
  }
  return search;
}

/** The list's filter as parameters of a request. */
export function listed(): URLSearchParams {
  const search = scope(true);
  search.set("kind", kind.value);
  for (const each of statuses.value) search.append("status", each);
  if (name.value !== "") search.set("name", name.value);
  if (text.value !== "") search.set("q", text.value);
  search.set("order_by", order.value);
  return search;
}
