import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { get } from "../../api/client";
import type { Entry, Surroundings } from "../../api/types";
import { Level } from "../../components/Level";
import { Failed, Late, Skeleton } from "../../components/States";
import { Text } from "../../components/Text";
import { zone } from "../../state/preferences";
import { useResource } from "../../state/resource";
import { serviceColour } from "../../state/server";
import { clock, exact } from "../../text/format";
import { visibleString } from "../../text/visible";
import { marks, open } from "./filter";

const STEP = 20;
const MOST = 500;
const SCOPES = [
  { name: "all", title: "Everything" },
  { name: "request", title: "This request" },
  { name: "process", title: "This process" },
  { name: "trace", title: "This trace" },
] as const;
type Scope = (typeof SCOPES)[number]["name"];

/** What was logged right before and after a line: by anybody, in its request, its process, its trace. */
export function Context({ entry }: { entry: Entry }) {
  const scope = useSignal<Scope>("all");
  const before = useSignal(STEP);
  const after = useSignal(STEP);
  const here = useRef<HTMLLIElement>(null);
  const key = `${entry.id} ${scope.value} ${before.value} ${after.value}`;
  const answer = useResource(key, (signal) =>
    get<Surroundings>(
      `/v1/logs/${encodeURIComponent(entry.id)}/context?before=${before.value}&after=${after.value}&scope=${scope.value}`,
      signal,
    ),
  );
  const found = answer.data.value;
  const shown = found?.entry.id === entry.id ? found : undefined;
  const ready = shown !== undefined;
  useEffect(() => {
    if (ready) here.current?.scrollIntoView({ block: "center" });
  }, [ready]);

  const missing = { all: false, process: false, request: !entry.request_id, trace: !entry.trace_id };
  return (
    <div class="context">
      <Late on={answer.slow.value} />
      <div class="group" role="group" aria-label="Lines of">
        {SCOPES.map(({ name, title }) => (
          <button
            key={name}
            type="button"
            class={scope.value === name ? "button small on" : "button small"}
            aria-pressed={scope.value === name}
            disabled={missing[name]}
            onClick={() => {
              scope.value = name;
            }}
          >
            {title}
          </button>
        ))}
      </div>
      {answer.failure.value && <Failed failure={answer.failure.value} retry={answer.retry} />}
      {!shown && answer.slow.value && <Skeleton rows={16} />}
      {shown && (
        <>
          <More count={shown.before.length} asked={before} word="earlier" />
          <ol class="context-lines">
            {shown.before.map((each) => (
              <Around key={each.id} entry={each} />
            ))}
            <li ref={here} class="context-line here" aria-current="true">
              <Content entry={shown.entry} />
            </li>
            {shown.after.map((each) => (
              <Around key={each.id} entry={each} />
            ))}
          </ol>
          <More count={shown.after.length} asked={after} word="later" />
        </>
      )}
    </div>
  );
}

function More({ count, asked, word }: { count: number; asked: { value: number }; word: string }) {
  if (count < asked.value)
    return <p class="context-end dim">{word === "earlier" ? "the first line" : "the last line so far"}</p>;
  return (
    <button
      type="button"
      class="context-more"
      disabled={asked.value >= MOST}
      onClick={() => {
        asked.value = Math.min(MOST, asked.value + STEP * 2);
      }}
    >
      Show {word} lines
    </button>
  );
}

function Around({ entry }: { entry: Entry }) {
  return (
    <li>
      <button type="button" class="context-line" onClick={() => open(entry.id)}>
        <Content entry={entry} />
      </button>
    </li>
  );
}

function Content({ entry }: { entry: Entry }) {
  return (
    <>
      <span class="line-time" title={exact(entry.timestamp, zone.value)}>
        {clock(entry.timestamp, zone.value)}
      </span>
      <Level level={entry.level} />
      <span class="clip">
        {entry.service && (
          <i class={`dot service-${serviceColour(entry.service)}`} title={visibleString(entry.service)} />
        )}{" "}
        <Text value={entry.message} marks={marks.value} limit={300} />
      </span>
    </>
  );
}
