import { get } from "../../api/client";
import { CONTEXT, type FacetValue, type ServiceRow } from "../../api/types";

/** Attributes that the semantic conventions give to most spans. */
const ATTRIBUTES = [
  "http.request.method",
  "http.route",
  "http.response.status_code",
  "url.path",
  "url.full",
  "server.address",
  "db.system.name",
  "db.operation.name",
  "db.collection.name",
  "db.query.text",
  "messaging.operation.name",
  "error.type",
];
const FIXED: Record<string, string[]> = {
  status: ["ERROR", "OK", "UNSET"],
  kind: ["SERVER", "CLIENT", "INTERNAL", "PRODUCER", "CONSUMER"],
};

/** Fields of spans that can be asked for. */
export async function loadSpanFields(): Promise<{ field: string; type: string }[]> {
  const plain = [
    "name",
    "service",
    "environment",
    "kind",
    "status",
    "status_message",
    "scope",
    "version",
    "host",
  ];
  return [
    ...plain.map((field) => ({ field, type: "keyword" })),
    { field: "duration_ms", type: "number" },
    ...CONTEXT.map((field) => ({ field, type: "keyword" })),
    ...ATTRIBUTES.map((name) => ({ field: `attributes.${name}`, type: "attribute" })),
  ];
}

/** Values of the fields that have few. */
export async function spanValues(field: string, signal: AbortSignal): Promise<FacetValue[]> {
  const fixed = FIXED[field];
  if (fixed) return fixed.map((value) => ({ value, count: 0 }));
  if (field !== "service") return [];
  const { services } = await get<{ services: ServiceRow[] }>("/v1/services", signal);
  return services.map((row) => ({ value: row.service, count: row.spans }));
}
