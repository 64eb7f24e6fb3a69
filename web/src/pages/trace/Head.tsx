import { useRef } from "preact/hooks";
import type { Trace } from "../../api/types";
import { Copy } from "../../components/Copy";
import { Icon } from "../../components/Icon";
import { Service } from "../../components/Service";
import { Text } from "../../components/Text";
import { useKeys } from "../../state/keyboard";
import { link, update } from "../../state/location";
import { zone } from "../../state/preferences";
import { count, duration, exact, plural } from "../../text/format";
import { quote } from "../../text/query";
import { logsOf } from "./SpanDetail";
import { needle, setZoom, zoom } from "./view";

interface Props {
  trace: Trace;
  /** Number of spans that the search found; undefined while none is on. */
  hits: number | undefined;
  /** Which of them the cursor is on. */
  hit: number;
  jump: (by: number) => void;
  onSearch: () => void;
}

/** What the trace is, the ways to its logs, and the search within. */
export function Head({ trace, hits, hit, jump, onSearch }: Props) {
  const root = trace.spans[0];
  const request = root?.request_id;
  return (
    <header class="trace-head">
      <div class="row trace-title">
        <a class="button bare square small" href={link("/traces")} title="All traces" aria-label="All traces">
          <Icon name="left" />
        </a>
        {root && <Service name={root.service} />}
        <h2 class="clip">
          <Text value={trace.name} limit={200} />
        </h2>
        {trace.error_count > 0 && (
          <span class="badge-error">
            <Icon name="error" size={12} /> {plural(trace.error_count, "error")}
          </span>
        )}
        <span class="grow" />
        <a class="button" href={logsOf(trace, `trace:${trace.trace_id}`)}>
          <Icon name="logs" size={14} /> Logs of this trace
        </a>
        {request && (
          <a class="button" href={logsOf(trace, `request:${quote(request)}`)}>
            <Icon name="filter" size={14} /> This request
          </a>
        )}
      </div>
      <div class="row trace-facts">
        <b>{duration(trace.duration_ms)}</b>
        <span>{plural(trace.span_count, "span")}</span>
        <time class="dim" dateTime={trace.start_time}>
          {exact(trace.start_time, zone.value)}
        </time>
        <code class="dim clip">{trace.trace_id}</code>
        <Copy text={trace.trace_id} label="Copy the trace id" />
        {trace.truncated && (
          <span class="trace-cut">
            <Icon name="warning" size={14} /> Only the first {count(trace.span_count)} spans are shown
          </span>
        )}
        <span class="grow" />
        <span class="trace-legend">
          {trace.services.map((name) => (
            <Service key={name} name={name} />
          ))}
          <span class="dim">
            <i class="swatch line-critical" /> critical path
          </span>
        </span>
        {zoom.value && (
          <button
            type="button"
            class="button small"
            onClick={() => setZoom(0, trace.duration_ms, trace.duration_ms)}
          >
            <Icon name="zoomOut" size={14} /> Whole trace
          </button>
        )}
        <Search hits={hits} hit={hit} jump={jump} onSearch={onSearch} />
      </div>
    </header>
  );
}

function Search({ hits, hit, jump, onSearch }: Omit<Props, "trace">) {
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.focus() });
  return (
    <search class="trace-search">
      <Icon name="search" size={14} />
      <input
        ref={input}
        aria-label="Find a span"
        placeholder="Find a span"
        spellcheck={false}
        value={needle.value}
        onInput={(event) => {
          update({ find: event.currentTarget.value }, true);
          onSearch();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") jump(event.shiftKey ? -1 : 1);
          else if (event.key === "Escape") event.currentTarget.blur();
          else return;
          event.preventDefault();
        }}
      />
      {hits === undefined ? (
        <kbd>/</kbd>
      ) : (
        <span class="dim" aria-live="polite">
          {hits === 0 ? "none" : `${Math.max(0, hit) + 1} of ${hits}`}
        </span>
      )}
    </search>
  );
}
