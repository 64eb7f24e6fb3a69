import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Skeleton } from "../../components/States";
import { useKeys } from "../../state/keyboard";
import { plural } from "../../text/format";
import { visibleString } from "../../text/visible";
import type { Family } from "./answers";
import { charts, open } from "./charts";
import type { Kind } from "./promql";

const KINDS: Kind[] = ["counter", "gauge", "histogram"];
/** Most rows drawn; who wants another types a part of its name. */
const MOST = 400;

/** What a word is looked for in: the name, the help, the names of labels. */
function searched(family: Family): string {
  return `${family.name} ${family.help} ${family.labels.join(" ")}`.toLowerCase();
}

/** Every metric by name; a click opens its chart. */
export function Catalogue({ families }: { families: Family[] | undefined }) {
  const needle = useSignal("");
  const kind = useSignal<Kind | "">("");
  useKeys({ "/": () => document.querySelector<HTMLInputElement>(".catalogue-find")?.focus() });
  const found = useMemo(() => {
    const words = needle.value.toLowerCase().split(/\s+/).filter(Boolean);
    return (families ?? []).filter(
      (family) =>
        (kind.value === "" || family.kind === kind.value) &&
        words.every((word) => searched(family).includes(word)),
    );
  }, [families, needle.value, kind.value]);
  const shown = new Set(charts.value.map((chart) => chart.metric));
  return (
    <nav class="catalogue" aria-label="Metrics">
      <div class="catalogue-head">
        <input
          class="input catalogue-find"
          placeholder="Find a metric  ( / )"
          aria-label="Find a metric"
          spellcheck={false}
          value={needle.value}
          onInput={(event) => {
            needle.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            const first = found[0];
            if (event.key === "Enter" && first) open({ metric: first.name });
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
        <div class="group" role="group" aria-label="Kind">
          {KINDS.map((each) => (
            <button
              key={each}
              type="button"
              class={kind.value === each ? "button small on" : "button small"}
              aria-pressed={kind.value === each}
              onClick={() => {
                kind.value = kind.value === each ? "" : each;
              }}
            >
              {each}
            </button>
          ))}
        </div>
      </div>
      {!families && <Skeleton rows={12} />}
      <ul class="catalogue-list">
        {found.slice(0, MOST).map((family) => (
          <li key={family.name}>
            <button
              type="button"
              class={shown.has(family.name) ? "catalogue-item on" : "catalogue-item"}
              title={about(family)}
              onClick={() => open({ metric: family.name })}
            >
              <span class="grow clip">{visibleString(family.name)}</span>
              <span class="dim">{family.kind === "unknown" ? "" : family.kind}</span>
            </button>
          </li>
        ))}
      </ul>
      {found.length > MOST && (
        <p class="catalogue-note dim">{found.length - MOST} more: type a part of the name.</p>
      )}
      {families && families.length > 0 && found.length === 0 && (
        <p class="catalogue-note dim">No metric is called so.</p>
      )}
    </nav>
  );
}

function about(family: Family): string {
  const labels = family.labels.length > 0 ? `by ${family.labels.join(", ")}` : "";
  const lines = [family.name, family.help, labels, plural(family.series, "series", "series")];
  return lines
    .filter(Boolean)
    .map((line) => visibleString(line))
    .join("\n");
}
