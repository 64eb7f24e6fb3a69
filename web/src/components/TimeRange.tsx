import { useSignal } from "@preact/signals";
import { zone } from "../state/preferences";
import { instant, label, moving, PRESETS, range, read, setRange, shifted, wider } from "../state/range";
import { typed, zoneName } from "../text/format";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

const CALENDAR_STEP = 1;

/** The time range of the page: presets, both ends typed or from a calendar, the zone; a step back and forth. */
export function TimeRange({ opener }: { opener: { current: (() => void) | null } }) {
  const now = range.value;
  return (
    <div class="row range">
      <div class="group">
        <button
          type="button"
          class="button square"
          aria-label="Earlier"
          title="Earlier"
          onClick={() => setRange(shifted(now, -1))}
        >
          <Icon name="left" size={14} />
        </button>
        <Menu
          label="Time range (t)"
          icon="clock"
          text={label(now, zone.value)}
          right
          opener={opener}
          class="range-button"
        >
          {(close) => <Chooser close={close} />}
        </Menu>
        <button
          type="button"
          class="button square"
          aria-label="Later"
          title="Later"
          disabled={moving(now)}
          onClick={() => setRange(shifted(now, 1))}
        >
          <Icon name="right" size={14} />
        </button>
        <button
          type="button"
          class="button square"
          aria-label="Wider range"
          title="Wider range"
          onClick={() => setRange(wider(now))}
        >
          <Icon name="zoomOut" size={14} />
        </button>
      </div>
    </div>
  );
}

function Chooser({ close }: { close: () => void }) {
  const now = range.value;
  return (
    <div class="range-menu">
      <div class="range-presets">
        {PRESETS.map((preset) => {
          const option = { from: preset, to: "now" };
          const on = now.from === preset && moving(now);
          return (
            <button
              key={preset}
              type="button"
              class="menu-item"
              aria-pressed={on}
              onClick={() => {
                setRange(option);
                close();
              }}
            >
              <span class="menu-check">{on && <Icon name="check" size={14} />}</span>
              {label(option, zone.value)}
            </button>
          );
        })}
      </div>
      <Ends close={close} />
    </div>
  );
}

function Ends({ close }: { close: () => void }) {
  const now = range.value;
  const show = (time: string) => (/^(now|-)/.test(time) ? time : typed(time, zone.value));
  const from = useSignal(show(now.from));
  const to = useSignal(show(now.to));
  const start = read(from.value, zone.value);
  const end = read(to.value, zone.value);
  const ordered = start !== null && end !== null && instant(start) < instant(end);
  const apply = (event: Event) => {
    event.preventDefault();
    if (!ordered) return;
    setRange({ from: start, to: end });
    close();
  };
  return (
    <form class="range-ends" onSubmit={apply}>
      <End
        name="From"
        value={from.value}
        bad={start === null}
        onInput={(text) => {
          from.value = text;
        }}
      />
      <End
        name="To"
        value={to.value}
        bad={end === null}
        onInput={(text) => {
          to.value = text;
        }}
      />
      <p class={ordered ? "dim" : "range-bad"} aria-live="polite">
        {ordered
          ? "15m, 2h, 7d, 14:30, 2026-01-31 14:30, now"
          : start === null || end === null
            ? "Not a time that can be read"
            : "“From” must come before “to”"}
      </p>
      <div class="row">
        <div class="group" role="group" aria-label="Time zone">
          {(["local", "utc"] as const).map((name) => (
            <button
              key={name}
              type="button"
              class={zone.value === name ? "button small on" : "button small"}
              aria-pressed={zone.value === name}
              onClick={() => {
                zone.value = name;
                from.value = show(now.from);
                to.value = show(now.to);
              }}
            >
              {name === "utc" ? "UTC" : `Local (${zoneName("local")})`}
            </button>
          ))}
        </div>
        <span class="grow" />
        <button type="submit" class="button primary" disabled={!ordered}>
          Apply
        </button>
      </div>
    </form>
  );
}

interface EndProps {
  name: string;
  value: string;
  bad: boolean;
  onInput: (text: string) => void;
}

/** One end: typed text beside the browser's own calendar. */
function End({ name, value, bad, onInput }: EndProps) {
  const parsed = read(value, zone.value);
  const at = parsed === null ? Date.now() : instant(parsed);
  return (
    <label class="range-end">
      <span>{name}</span>
      <input
        class="input grow"
        aria-label={name}
        value={value}
        aria-invalid={bad}
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <input
        type="datetime-local"
        class="input range-calendar"
        aria-label={`${name}: calendar`}
        step={CALENDAR_STEP}
        value={typed(at, zone.value).replace(" ", "T")}
        onInput={(event) => {
          if (event.currentTarget.value) onInput(event.currentTarget.value.replace("T", " "));
        }}
      />
    </label>
  );
}
