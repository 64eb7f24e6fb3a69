import { useSignal } from "@preact/signals";
import type { Raised, StackFrame } from "../../api/errors";
import { Copy } from "../../components/Copy";
import { Icon } from "../../components/Icon";
import { Text } from "../../components/Text";
import { plural } from "../../text/format";
import { visibleString } from "../../text/visible";
import { links, stretches } from "./chain";

/** The exceptions of an occurrence with their frames: the application's open, those of libraries folded. */
export function Chain({ raised, stack }: { raised: Raised[]; stack: string }) {
  const plain = useSignal(false);
  return (
    <section class="chain" aria-label="Exceptions">
      <h3 class="row">
        <span class="grow">{raised.length > 1 ? plural(raised.length, "exception") : "Exception"}</span>
        <button
          type="button"
          class={plain.value ? "button small on" : "button small"}
          aria-pressed={plain.value}
          onClick={() => {
            plain.value = !plain.value;
          }}
        >
          As text
        </button>
        <Copy text={stack} label="Copy the stack trace" />
      </h3>
      {plain.value ? (
        <pre class="chain-text" tabIndex={0}>
          <Text value={stack} multiline />
        </pre>
      ) : (
        links(raised).map(({ raised: one, index, depth, relation }) => (
          <article key={index} class="raised" style={{ marginLeft: `${Math.min(depth, 6) * 16}px` }}>
            <header>
              {relation && <span class="dim">{relation}</span>}
              <b class="raised-type">
                <Text value={[one.module, one.type].filter(Boolean).join(".")} limit={300} />
              </b>
              <span class="raised-message">
                <Text value={one.message ?? ""} multiline limit={5000} />
              </span>
              {(one.notes ?? []).map((note) => (
                <span key={note} class="raised-note">
                  <Text value={note} multiline limit={2000} />
                </span>
              ))}
            </header>
            <Frames frames={one.frames ?? []} />
          </article>
        ))
      )}
    </section>
  );
}

function Frames({ frames }: { frames: StackFrame[] }) {
  const unfolded = useSignal<ReadonlySet<number>>(new Set());
  if (frames.length === 0) return <p class="dim raised-none">No stack was kept.</p>;
  let first = true;
  return (
    <ol class="frames">
      {stretches(frames).flatMap((part) => {
        if ("folded" in part && !unfolded.value.has(part.at)) {
          return [
            <li key={`fold-${part.at}`}>
              <button
                type="button"
                class="frame-fold"
                aria-expanded={false}
                onClick={() => {
                  unfolded.value = new Set([...unfolded.value, part.at]);
                }}
              >
                <Icon name="right" size={12} /> {plural(part.folded.length, "frame")} of{" "}
                {visibleString(libraries(part.folded))}
              </button>
            </li>,
          ];
        }
        const shown = "folded" in part ? part.folded : [part.frame];
        return shown.map((frame, at) => {
          const open = frame.in_app === true || first;
          first = false;
          return <Frame key={`${part.at} ${at}`} frame={frame} open={open} />;
        });
      })}
    </ol>
  );
}

/** The packages that frames belong to. */
function libraries(frames: StackFrame[]): string {
  const packages = new Set(
    frames.map((frame) => (frame.module ?? frame.file ?? "?").split(".")[0] as string),
  );
  return [...packages].slice(0, 4).join(", ") + (packages.size > 4 ? " …" : "");
}

function Frame({ frame, open: initially }: { frame: StackFrame; open: boolean }) {
  const open = useSignal(initially);
  const detail = Boolean(frame.source || frame.locals);
  return (
    <li class={frame.in_app ? "stack-frame own" : "stack-frame"}>
      <button
        type="button"
        class="frame-head"
        aria-expanded={open.value}
        disabled={!detail}
        title={visibleString(frame.path ?? frame.file ?? "")}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        {detail ? <Icon name={open.value ? "down" : "right"} size={12} /> : <span class="frame-gap" />}
        <b class="clip">
          <Text value={frame.function ?? "?"} limit={200} />
        </b>
        <span class="dim clip">
          <Text value={frame.file ?? ""} limit={300} />
          {frame.line ? `:${frame.line}` : ""}
        </span>
      </button>
      {open.value && frame.source !== undefined && frame.source !== "" && <Source frame={frame} />}
      {open.value && frame.locals && <Locals values={frame.locals} />}
    </li>
  );
}

function Source({ frame }: { frame: StackFrame }) {
  const before = frame.before ?? [];
  const first = (frame.line ?? 0) - before.length;
  const lines = [...before, frame.source as string, ...(frame.after ?? [])];
  return (
    <pre class="source" tabIndex={0}>
      {lines.map((line, at) => (
        <span key={at} class={at === before.length ? "source-line here" : "source-line"}>
          <i class="source-number">{first + at}</i>
          <Text value={line} multiline limit={500} />
          {"\n"}
        </span>
      ))}
    </pre>
  );
}

function Locals({ values }: { values: Record<string, unknown> }) {
  return (
    <dl class="locals">
      {Object.entries(values).map(([name, value]) => (
        <div key={name}>
          <dt class="mono">
            <Text value={name} limit={100} />
          </dt>
          <dd class="mono clip">
            <Text value={typeof value === "string" ? value : JSON.stringify(value)} limit={500} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
