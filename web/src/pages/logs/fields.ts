import { get } from "../../api/client";

export interface FieldName {
  field: string;
  type: string;
}

/** Fields that can be asked for: columns, and `extra.*` seen lately. */
export async function loadFields(signal: AbortSignal): Promise<FieldName[]> {
  return (await get<{ fields: FieldName[] }>("/v1/logs/fields", signal)).fields;
}
