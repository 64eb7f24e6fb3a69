import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Scroller } from "../../components/VirtualList";
import { useKeys, walking } from "../../state/keyboard";
import { live } from "../../state/scope";
import { Detail } from "./Detail";
import { Facets } from "./Facets";
import { Feed } from "./feed";
import { asParams, filter, filterKey, open, opened, ticks, view } from "./filter";
import { Lines } from "./Lines";
import { LogHistogram } from "./LogHistogram";
import "./logs.css";
import { Patterns } from "./Patterns";
import { Query } from "./Query";
import { Toolbar } from "./Toolbar";

/** In live mode the counts are asked for so often, ms. */
const COUNTS_EVERY_MS = 5000;
/** So many lines are looked through for the one that is open. */
const SOUGHT = 10_000;

export default function Logs() {
  const feed = useMemo(() => new Feed(), []);
  const cursor = useSignal(-1);
  const scroller = useRef<Scroller | null>(null);
  useFeed(feed, cursor, scroller);

  const step = (by: number) => {
    const next = Math.max(0, Math.min(feed.count.peek() - 1, cursor.peek() + by));
    cursor.value = next;
    scroller.current?.reveal(next);
    const entry = feed.at(next);
    if (entry && opened.peek() !== "") open(entry.id);
  };
  const openAt = (index: number) => {
    cursor.value = index;
    const entry = feed.at(index);
    if (entry) open(entry.id);
  };
  const lines = () => view.value === "lines" && feed.count.peek() > 0;
  useKeys({
    ...walking(
      (by) => (lines() ? step(by) : false),
      () => (lines() && cursor.peek() >= 0 ? openAt(cursor.peek()) : false),
    ),
  });

  return (
    <div class="split">
      <div class="logs">
        <div class="logs-top">
          <Query />
          <Toolbar />
        </div>
        <LogHistogram total={feed.total.value} />
        <div class="logs-body">
          <Facets />
          {view.value === "patterns" ? (
            <Patterns />
          ) : (
            <Lines feed={feed} cursor={cursor} onOpen={openAt} scroller={scroller} />
          )}
        </div>
      </div>
      {opened.value !== "" && <Detail feed={feed} cursor={cursor} step={step} />}
    </div>
  );
}

/** Keeps the feed in step with the address bar, and the cursor on its line while new ones come in above. */
function useFeed(
  feed: Feed,
  cursor: { value: number; peek: () => number },
  scroller: { current: Scroller | null },
): void {
  const key = filterKey.value;
  const following = live.value;
  const question = JSON.stringify(filter.value);
  const lastQuestion = useRef("");

  useEffect(() => {
    let current = true;
    const fresh = lastQuestion.current !== question;
    lastQuestion.current = question;
    if (fresh) feed.clear();
    void feed.restart(filter.peek()).then(() => {
      if (!current) return;
      if (fresh) scroller.current?.toTop();
      void seek(feed, opened.peek()).then((place) => {
        if (!current) return;
        cursor.value = place;
        if (place >= 0) requestAnimationFrame(() => scroller.current?.reveal(place));
      });
      if (following && feed.connected.peek() === undefined) feed.follow(`/v1/logs/tail?${tailParams()}`);
    });
    return () => {
      current = false;
    };
  }, [key, following]);

  // Another question needs another stream.
  useEffect(() => {
    if (!following) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) ticks.value += 1;
    }, COUNTS_EVERY_MS);
    return () => {
      clearInterval(timer);
      feed.unfollow();
    };
  }, [following, question]);

  const fresh = feed.fresh;
  const known = useRef(fresh);
  useEffect(() => {
    if (cursor.peek() >= 0 && fresh > known.current) cursor.value = cursor.peek() + fresh - known.current;
    known.current = fresh;
  }, [fresh]);

  useEffect(() => () => feed.close(), [feed]);
}

/** Place of a line that is open from the start: pages are read until it comes, within reason. */
async function seek(feed: Feed, id: string): Promise<number> {
  if (id === "") return -1;
  for (;;) {
    const place = feed.find(id);
    if (place >= 0 || feed.count.peek() > SOUGHT || !(await feed.found.more())) return place;
  }
}

/** A tail has no end, and starts where the list ends. */
function tailParams(): URLSearchParams {
  const search = asParams();
  search.delete("start_time");
  search.delete("end_time");
  return search;
}
