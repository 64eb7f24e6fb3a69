import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { get } from "../../api/client";
import type { OccurrencePage, OccurrenceRow } from "../../api/errors";
import { Failed, Late, Skeleton } from "../../components/States";
import { Text } from "../../components/Text";
import { type Scroller, VirtualList } from "../../components/VirtualList";
import { zone } from "../../state/preferences";
import { Paged } from "../../state/paged";
import { clock, count, day, exact } from "../../text/format";

const ROW = 28;
const COLUMNS = "150px minmax(120px, 1fr) 140px 110px 150px 150px 70px";

/** Every occurrence that is kept, the newest first. */
export function Occurrences({ url, open }: { url: string; open: (error: string) => unknown }) {
  const paged = useMemo(() => new Paged<OccurrenceRow>(500), []);
  const cursor = useSignal(-1);
  const scroller = useRef<Scroller | null>(null);
  useEffect(() => {
    void paged.restart(async (from, limit, signal) => {
      const search = new URLSearchParams({ limit: String(limit), ...(from ? { cursor: from } : {}) });
      const page = await get<OccurrencePage>(`${url}/occurrences?${search}`, signal);
      return { rows: page.occurrences, total: page.total, next: page.next };
    });
    return () => paged.stop();
  }, [url]);
  const total = paged.total.value;
  const failure = paged.failure.value;
  if (failure) return <Failed failure={failure} retry={() => paged.retry()} />;
  if (total === undefined) return paged.slow.value ? <Skeleton rows={12} /> : null;
  return (
    <div class="lines occurrences" style={{ "--line-columns": COLUMNS }}>
      <Late on={paged.slow.value} />
      <VirtualList
        label="Occurrences"
        count={paged.count.value}
        total={total}
        rowHeight={ROW}
        active={cursor.value}
        rowId={(index) => `occurrence-${paged.at(index)?.error_id ?? index}`}
        scroller={scroller}
        onWindow={(first, last) => paged.window(first, last)}
        head={
          <div class="line line-head" role="row">
            {["Time", "Message", "Service", "Release", "Request or job", "User"].map((name) => (
              <span key={name} role="columnheader">
                {name}
              </span>
            ))}
            <span role="columnheader" class="number">
              Times
            </span>
          </div>
        }
        row={(index) => {
          const row = paged.at(index);
          if (!row) return <div key={`gap-${index}`} class="line line-gap" role="row" aria-hidden="true" />;
          return (
            <div
              key={row.error_id}
              id={`occurrence-${row.error_id}`}
              class="line"
              role="row"
              tabIndex={0}
              aria-rowindex={index + 1}
              onClick={() => open(row.error_id)}
              onKeyDown={(event) => {
                if (event.key === "Enter") open(row.error_id);
              }}
            >
              <span class="line-time" role="gridcell" title={exact(row.timestamp, zone.value)}>
                {day(row.timestamp, zone.value)} {clock(row.timestamp, zone.value).slice(0, 8)}
              </span>
              {[row.message, row.service, row.version, row.request_id ?? row.job_id, row.user_id].map(
                (value, at) => (
                  <span key={at} class="clip" role="gridcell">
                    <Text value={value ?? ""} limit={200} />
                  </span>
                ),
              )}
              <span class="number" role="gridcell">
                {count(row.count)}
              </span>
            </div>
          );
        }}
      />
    </div>
  );
}
