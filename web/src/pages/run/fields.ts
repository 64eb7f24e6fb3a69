/** What a run was given and where it ran, as rows of a list. */

import { asText } from "../../components/Fields";

/** Names of the environment, in the order in which they matter; what else there is comes after. */
const ORDER = ["git_commit", "git_branch", "git_dirty", "command", "directory", "python"];

/** An object's members in an order, those of `packages` apart. */
export function environmentRows(environment: Record<string, unknown>): {
  rows: [name: string, value: unknown][];
  packages: [name: string, version: string][];
} {
  const { packages, ...others } = environment;
  const place = (name: string) => (ORDER.indexOf(name) + 1 || ORDER.length + 1) as number;
  const rows = Object.entries(others).sort(([one], [other]) => place(one) - place(other));
  const listed = typeof packages === "object" && packages !== null ? Object.entries(packages) : [];
  return { rows, packages: listed.map(([name, version]) => [name, asText(version)]) };
}

/** Threshold → how it reads before its value. */
const THRESHOLDS: Record<string, string> = {
  equal: "=",
  min: "≥",
  max: "≤",
  warn_min: "warns below",
  warn_max: "warns above",
};

/** Thresholds of a check on one line: `≥ 1 · warns above 5000`. */
export function thresholdText(thresholds: unknown): string {
  if (thresholds === null || thresholds === undefined) return "";
  if (typeof thresholds !== "object" || Array.isArray(thresholds)) return oneLine(thresholds);
  return Object.entries(thresholds)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${THRESHOLDS[name] ?? name} ${oneLine(value)}`)
    .join(" · ");
}

/** What else was said of a check, behind its name: ` year=2027`. */
export function fieldText(fields: unknown): string {
  if (typeof fields !== "object" || fields === null) return "";
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${oneLine(value)}`)
    .join("");
}

/** A value on one line. */
export function oneLine(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return typeof value === "object" ? JSON.stringify(value) : asText(value);
}
