import { Icon } from "../components/Icon";
import { Choice } from "../components/Menu";
import { TimeRange } from "../components/TimeRange";
import { MOD } from "../state/keyboard";
import { path } from "../state/location";
import { asked } from "../state/range";
import { choose, environments, live, services, setLive } from "../state/scope";
import { serviceRows } from "../state/server";
import { ago } from "../text/format";

interface Props {
  onPalette: () => void;
  rangeOpener: { current: (() => void) | null };
}

/** Pages that have a title instead of a scope. */
const TITLES: [pages: RegExp, title: string][] = [
  [/^\/status$/, "Status"],
  [/^\/traces\/./, "Trace"],
  [/^\/operations\/./, "Operation"],
  [/^\/runs\/compare$/, "Comparison"],
  [/^\/runs\/./, "Run"],
];

/** Scope of all pages: services, environments, time, live; and the way to anything by its id. */
export function TopBar({ onPalette, rangeOpener }: Props) {
  const rows = serviceRows.value ?? [];
  const names = rows.map((row) => ({ name: row.service, note: ago(row.last_seen) }));
  const places = [...new Set(rows.flatMap((row) => row.environments))].sort().map((name) => ({ name }));
  const title = TITLES.find(([pages]) => pages.test(path.value))?.[1];
  const single = title !== undefined;
  return (
    <header class="topbar">
      {!single && (
        <>
          <Choice
            label="Services"
            none="All services"
            options={names}
            chosen={services.value}
            onChange={(chosen) => choose("service", chosen)}
          />
          <Choice
            label="Environments"
            none="All environments"
            options={places}
            chosen={environments.value}
            onChange={(chosen) => choose("env", chosen)}
          />
        </>
      )}
      {single && <h1 class="topbar-title">{title}</h1>}
      <span class="grow" />
      <button type="button" class="button palette-button" onClick={onPalette}>
        <Icon name="search" size={14} />
        <span class="palette-hint">Go to page or id </span>
        <kbd>{MOD} K</kbd>
      </button>
      {!single && (
        <>
          <TimeRange opener={rangeOpener} />
          <button
            type="button"
            class="button square"
            aria-label="Refresh (r)"
            title="Refresh (r)"
            onClick={() => {
              asked.value += 1;
            }}
          >
            <Icon name="refresh" size={14} />
          </button>
          {path.value.startsWith("/logs") && (
            <button
              type="button"
              class="button live"
              aria-pressed={live.value}
              title="Show new lines as they come (l)"
              onClick={() => setLive(!live.value)}
            >
              <i class="live-dot" />
              Live
            </button>
          )}
        </>
      )}
    </header>
  );
}
