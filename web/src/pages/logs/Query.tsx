import { post } from "../../api/client";
import type { FacetField } from "../../api/types";
import { QueryBar } from "../../components/QueryBar";
import { loadFields } from "./fields";
import { ask, filter, query } from "./filter";

/** The query line over the logs; names and values come from the logs themselves. */
export function Query() {
  return (
    <QueryBar
      query={query.value}
      onAsk={ask}
      placeholder="Search messages, or level:error service:api -logger:noisy duration:>500 …"
      fields={loadFields}
      valuesKey={JSON.stringify(filter.value)}
      values={async (field, signal) => {
        const body = { ...filter.value, fields: [field], limit: 100 };
        return (
          (await post<{ facets: FacetField[] }>("/v1/logs/facets", body, signal)).facets[0]?.values ?? []
        );
      }}
    />
  );
}
