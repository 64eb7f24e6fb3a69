import type { Entry } from "../../api/types";
import { asText } from "../../components/Fields";

const NESTED: Record<string, (entry: Entry) => unknown> = {
  source_file: (entry) => entry.source?.file,
  source_function: (entry) => entry.source?.function,
  source_line: (entry) => entry.source?.line,
  exception_type: (entry) => entry.exception?.type,
  exception_message: (entry) => entry.exception?.message,
  exception_fingerprint: (entry) => entry.exception?.fingerprint,
};

/** The value of a field by its name in queries; undefined when the entry has none. */
export function fieldOf(entry: Entry, field: string): unknown {
  if (field.startsWith("extra.")) {
    const path = field.slice("extra.".length);
    const extra = entry.extra ?? {};
    if (path in extra) return extra[path];
    return path
      .split(".")
      .reduce<unknown>(
        (at, key) =>
          typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined,
        extra,
      );
  }
  return (NESTED[field] ?? ((each) => (each as unknown as Record<string, unknown>)[field]))(entry);
}

const MOST = 6;

/** The first of a line's own fields on one line, for reading beside the message. */
export function preview(entry: Entry): [name: string, value: string][] {
  const found: [string, string][] = [];
  for (const [name, value] of Object.entries(entry.extra ?? {})) {
    if (found.length === MOST) break;
    const text = typeof value === "object" && value !== null ? JSON.stringify(value) : asText(value);
    found.push([name, text.length > 80 ? `${text.slice(0, 80)}…` : text]);
  }
  return found;
}
