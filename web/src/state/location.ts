/** The address bar is the state: every page reads what it shows from here and changes it by navigating. */

import { computed, signal } from "@preact/signals";

interface Place {
  path: string;
  search: string;
}

function here(): Place {
  return { path: window.location.pathname, search: window.location.search };
}

const place = signal<Place>(here());

/** Path of the page, e.g. `/logs`. */
export const path = computed(() => place.value.path);
/** Parameters of the page. Treat as read-only; `update` changes them. */
export const params = computed(() => new URLSearchParams(place.value.search));

/** One parameter as a signal; absent is the empty string. */
export function param(name: string) {
  return computed(() => params.value.get(name) ?? "");
}

/** Parameters as text, kept readable: `:`, `,`, `/`, `*` and `{}` need no escape in a query. */
function encode(search: URLSearchParams): string {
  const text = search.toString().replace(/%(3A|2C|2F|40|7B|7D)/g, decodeURIComponent);
  return text === "" ? "" : `?${text}`;
}

export type Changes = Record<string, string | null | undefined>;

function changed(base: URLSearchParams, changes: Changes): URLSearchParams {
  const next = new URLSearchParams(base);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") next.delete(name);
    else next.set(name, value);
  }
  return next;
}

/** A part of a path as it was before it was escaped; what cannot be read stays as it is. */
export function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Goes to an address of this site; `replace` leaves no step behind for the back button. */
export function navigate(url: string, replace = false): void {
  const target = new URL(url, window.location.origin);
  const address = target.pathname + encode(target.searchParams);
  if (address === place.value.path + place.value.search) return;
  window.history[replace ? "replaceState" : "pushState"](null, "", address);
  place.value = here();
}

/** Changes parameters of this page; empty values are taken out. */
export function update(changes: Changes, replace = false): void {
  navigate(place.value.path + encode(changed(params.value, changes)), replace);
}

/** What goes along from page to page: the scope that the top bar sets. */
const CARRIED = ["service", "env", "from", "to"];

/** Address of another page in the same scope. */
export function link(to: string, changes: Changes = {}): string {
  const scope = new URLSearchParams();
  for (const name of CARRIED) {
    const value = params.value.get(name);
    if (value) scope.set(name, value);
  }
  return to + encode(changed(scope, changes));
}

/** Starts to follow the back button and clicks on links of this site. */
export function listen(): void {
  window.addEventListener("popstate", () => {
    place.value = here();
  });
  document.addEventListener("click", (event) => {
    const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
    const anchor = event.target instanceof Element ? event.target.closest("a") : null;
    if (modified || event.defaultPrevented || !anchor || anchor.target || anchor.hasAttribute("download"))
      return;
    if (anchor.origin !== window.location.origin || anchor.pathname.startsWith("/v1/")) return;
    event.preventDefault();
    navigate(anchor.pathname + anchor.search);
  });
}
