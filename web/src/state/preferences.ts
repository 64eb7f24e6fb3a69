/** What this person prefers, kept in this browser: theme, time zone, widths, queries asked lately. */

import { effect, signal } from "@preact/signals";
import type { Zone } from "../text/format";

function read(name: string): string | null {
  try {
    return localStorage.getItem(`plainview.${name}`);
  } catch {
    return null; // storage is off: the defaults do
  }
}

function keep(name: string, value: string): void {
  try {
    if (value === "") localStorage.removeItem(`plainview.${name}`);
    else localStorage.setItem(`plainview.${name}`, value);
  } catch {
    // Storage is off or full: the choice lasts as long as the page.
  }
}

function stored<T extends string>(name: string, fallback: T) {
  const value = signal<T>((read(name) as T | null) ?? fallback);
  effect(() => keep(name, value.value));
  return value;
}

/** `""` follows the system. */
export const theme = stored<"" | "light" | "dark">("theme", "");
export const zone = stored<Zone>("zone", "local");
export const panelWidth = stored<string>("panel", "520");
export const treeWidth = stored<string>("tree", "380");

effect(() => {
  if (theme.value === "") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});

const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
const system = signal(systemDark.matches);
systemDark.addEventListener("change", (event) => {
  system.value = event.matches;
});

/** Whether the dark theme is on now. */
export function dark(): boolean {
  return theme.value === "" ? system.value : theme.value === "dark";
}

/** Queries asked lately, newest first. */
export const recent = signal<string[]>((read("recent") ?? "").split("\n").filter(Boolean));

/** Remembers a query for completion. */
export function remember(query: string): void {
  if (query === "" || query.includes("\n")) return;
  recent.value = [query, ...recent.value.filter((each) => each !== query)].slice(0, 12);
  keep("recent", recent.value.join("\n"));
}
