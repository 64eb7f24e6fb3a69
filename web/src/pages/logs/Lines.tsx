import { type Signal, useComputed } from "@preact/signals";
import { Elsewhere } from "../../components/Elsewhere";
import { Command, Empty, Failed, Late, Skeleton, Stale } from "../../components/States";
import { type Scroller, VirtualList } from "../../components/VirtualList";
import { zone } from "../../state/preferences";
import { instant, range } from "../../state/range";
import { live } from "../../state/scope";
import { serviceRows } from "../../state/server";
import { count } from "../../text/format";
import type { Feed } from "./feed";
import { ask, columns, marks, opened, query } from "./filter";
import { Line } from "./Line";

const ROW = 24;
/** Scrolled by no more than this, the reader is at the top. */
const AT_TOP_ROWS = 1;
const DAY_MS = 86_400_000;
/** Width that the message keeps however many columns there are, px; beyond that the list scrolls sideways. */
const LEAST_MESSAGE = 260;

interface Props {
  feed: Feed;
  /** Place of the cursor; −1 for none. */
  cursor: Signal<number>;
  onOpen: (index: number) => void;
  scroller: { current: Scroller | null };
}

/** The lines themselves, newest first, drawn as they scroll into sight. */
export function Lines({ feed, cursor, onOpen, scroller }: Props) {
  const days = useComputed(() => instant(range.value.to) - instant(range.value.from) > DAY_MS / 2);
  const lines = feed.count.value;
  const total = feed.total.value;
  const failure = feed.found.failure.value;

  if (total === undefined) {
    if (failure) return <Failed failure={failure} retry={() => feed.found.retry()} />;
    return <div class="lines">{feed.found.slow.value && <Skeleton rows={24} />}</div>;
  }
  const head = (
    <div class="line line-head" role="row">
      <span role="columnheader">Time</span>
      <span role="columnheader" title="Level">
        L<span class="unseen">evel</span>
      </span>
      <span role="columnheader">Service</span>
      {columns.value.map((field) => (
        <span key={field} class="clip" role="columnheader" title={field}>
          {field.replace(/^extra\./, "")}
        </span>
      ))}
      <span role="columnheader">Message</span>
    </div>
  );
  const narrowest = (days.value ? 136 : 92) + 18 + 128 + columns.value.length * 90 + LEAST_MESSAGE;
  const template = `${days.value ? 136 : 92}px 18px 128px ${columns.value.map(() => "minmax(80px, 0.2fr)").join(" ")} minmax(${LEAST_MESSAGE}px, 1fr)`;
  return (
    <div class="lines" style={{ "--line-columns": template, "--line-least": `${narrowest}px` }}>
      <Late on={feed.found.slow.value} />
      {failure && <Stale failure={failure} retry={() => feed.found.retry()} />}
      {live.value && <LiveState feed={feed} toTop={() => scroller.current?.toTop()} />}
      {lines === 0 ? (
        <Nothing />
      ) : (
        <VirtualList
          label="Log lines"
          count={lines}
          total={total}
          rowHeight={ROW}
          active={cursor.value}
          rowId={(index) => `line-${feed.at(index)?.id ?? index}`}
          head={head}
          scroller={scroller}
          onWindow={(first, last) => {
            feed.pause(first > AT_TOP_ROWS);
            feed.window(first, last);
          }}
          row={(index) => {
            const entry = feed.at(index);
            if (!entry)
              return <div key={`gap-${index}`} class="line line-gap" role="row" aria-hidden="true" />;
            return (
              <Line
                key={entry.id}
                entry={entry}
                index={index}
                selected={cursor.value === index}
                opened={opened.value === entry.id}
                columns={columns.value}
                marks={marks.value}
                zone={zone.value}
                days={days.value}
                onOpen={onOpen}
              />
            );
          }}
        />
      )}
    </div>
  );
}

function LiveState({ feed, toTop }: { feed: Feed; toTop: () => void }) {
  const waiting = feed.held.value;
  if (waiting > 0) {
    return (
      <button type="button" class="live-chip" onClick={toTop}>
        ↑ {count(waiting)} new
      </button>
    );
  }
  return feed.connected.value === false ? (
    <span class="live-chip lost">Connection lost, trying again…</span>
  ) : null;
}

function Nothing() {
  const rows = serviceRows.value;
  if (rows && rows.length === 0) {
    return (
      <Empty title="No lines yet">
        <p>Start an application under Plainview, and what it logs shows here:</p>
        <Command text="plainview run -- uvicorn app:app" />
        <p>Or look at a made-up content studio:</p>
        <Command text="plainview demo" />
      </Empty>
    );
  }
  return (
    <Empty title="No lines match">
      <Elsewhere />
      {query.value !== "" && (
        <button type="button" class="button" onClick={() => ask("")}>
          Clear the query
        </button>
      )}
    </Empty>
  );
}
