/** What the Errors page is asked to show, read from the address bar. */

import { computed } from "@preact/signals";
import { CATEGORIES, type Category, type IssueStatus, STATUSES } from "../../api/errors";
import { param, params, update } from "../../state/location";
import { asked, instant, range } from "../../state/range";
import { environments, services } from "../../state/scope";

export const text = param("q");

/** What wants a person. */
export const OPEN: IssueStatus[] = ["new", "regressed", "acknowledged"];
const statusParam = param("status");
const categoryParam = param("category");

/** Statuses that are shown; without a choice, those that want a person. */
export const statuses = computed<IssueStatus[]>(() => {
  if (statusParam.value === "all") return [];
  const known = statusParam.value
    .split(",")
    .filter((each): each is IssueStatus => STATUSES.includes(each as never));
  return known.length > 0 ? known : OPEN;
});
export const categories = computed<Category[]>(() =>
  categoryParam.value.split(",").filter((each): each is Category => CATEGORIES.includes(each as never)),
);

export const SORTS = {
  last_seen: "Last seen",
  first_seen: "First seen",
  count: "Occurrences",
  users: "Users",
} as const;
export type Sort = keyof typeof SORTS;
export const sort = computed<Sort>(() => {
  const asked = params.value.get("sort") ?? "";
  return asked in SORTS ? (asked as Sort) : "last_seen";
});

export function choose(changes: {
  status?: IssueStatus[] | "all";
  category?: Category[];
  sort?: Sort;
  q?: string;
}): void {
  const { status, category } = changes;
  update({
    ...(status === undefined
      ? {}
      : { status: status === "all" ? "all" : same(status, OPEN) ? null : status.join(",") }),
    ...(category === undefined ? {} : { category: category.join(",") }),
    ...(changes.sort === undefined ? {} : { sort: changes.sort === "last_seen" ? null : changes.sort }),
    ...(changes.q === undefined ? {} : { q: changes.q }),
  });
}

function same(one: string[], other: string[]): boolean {
  return one.length === other.length && one.every((each) => other.includes(each));
}

/** The filter as parameters of a request: issues that were seen in the range. */
export const filter = computed(() => {
  asked.value; // asked again: "now" has moved on
  const search = new URLSearchParams();
  for (const each of statuses.value) search.append("status", each);
  for (const each of categories.value) search.append("category", each);
  for (const each of services.value) search.append("service", each);
  for (const each of environments.value) search.append("environment", each);
  if (text.value !== "") search.set("text", text.value);
  search.set("last_seen_after", new Date(instant(range.value.from)).toISOString());
  if (range.value.to !== "now")
    search.set("first_seen_before", new Date(instant(range.value.to)).toISOString());
  search.set("sort", sort.value);
  return search.toString();
});
