/** Ctrl/⌘-K: type where to go, or paste any id and land on what it is. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Failure, get } from "../api/client";
import { Dialog } from "../components/Dialog";
import { Icon, type IconName } from "../components/Icon";
import { link, navigate } from "../state/location";
import { dark, theme } from "../state/preferences";
import { label, PRESETS, setRange } from "../state/range";
import { useResource } from "../state/resource";
import { choose } from "../state/scope";
import { serviceRows } from "../state/server";
import { visibleString } from "../text/visible";
import { PAGES } from "./Rail";

interface Action {
  icon: IconName;
  name: string;
  note?: string;
  run: () => void;
}

interface Found {
  kind: string;
  url: string;
}

/** An id is looked up once nobody has typed for so long, ms. */
const TYPING_MS = 120;
/** Ids have digits in them, and no blanks. */
const ID = /^(?=.*\d)[\w:.@-]{2,200}$/;

/** Kinds of work that stand behind one entry of the rail. */
const WORK = [
  ["Engines", "/engines"],
  ["Batches", "/batches"],
  ["Agents", "/agents"],
  ["Tasks", "/tasks"],
  ["Workers", "/workers"],
] as const;

function actions(): Action[] {
  return [
    ...PAGES.map((page): Action => ({
      icon: page.icon,
      name: page.name,
      note: "page",
      run: () => navigate(link(page.path)),
    })),
    {
      icon: "error",
      name: "Errors in the logs",
      note: "logs",
      run: () => navigate(link("/logs", { q: "level:error" })),
    },
    {
      icon: "error",
      name: "Failed traces",
      note: "traces",
      run: () => navigate(link("/traces", { status: "ERROR" })),
    },
    ...PRESETS.map((from): Action => ({
      icon: "clock",
      name: label({ from, to: "now" }, "utc"),
      note: "time range",
      run: () => setRange({ from, to: "now" }),
    })),
    ...WORK.map(([name, path]): Action => ({
      icon: "jobs",
      name,
      note: "page",
      run: () => navigate(link(path)),
    })),
    ...(serviceRows.value ?? []).map((row): Action => ({
      icon: "server",
      name: visibleString(row.service),
      note: "service",
      run: () => choose("service", [row.service]),
    })),
    {
      icon: dark() ? "sun" : "moon",
      name: dark() ? "Light theme" : "Dark theme",
      run: () => {
        theme.value = dark() ? "light" : "dark";
      },
    },
  ];
}

async function resolve(id: string, signal: AbortSignal): Promise<Found | null> {
  try {
    return await get<Found>(`/v1/resolve?id=${encodeURIComponent(id)}`, signal);
  } catch (error) {
    if (error instanceof Failure && error.status === 404) return null;
    throw error;
  }
}

export function Palette({ close }: { close: () => void }) {
  const text = useSignal("");
  const at = useSignal(0);
  const typed = text.value.trim();
  const isId = ID.test(typed);
  const found = useResource(isId ? typed : null, (signal) => resolve(typed, signal), TYPING_MS);

  const wanted = typed.toLowerCase().split(/\s+/);
  const matching = actions().filter((action) => {
    const whole = `${action.name} ${action.note ?? ""}`.toLowerCase();
    return wanted.every((word) => whole.includes(word));
  });
  const hit = isId ? found.data.value : undefined;
  const items: Action[] = [
    ...(hit
      ? [
          {
            icon: "link" as const,
            name: `Open the ${hit.kind} ${typed}`,
            note: "id",
            run: () => navigate(hit.url),
          },
        ]
      : []),
    ...(typed !== ""
      ? [
          {
            icon: "search" as const,
            name: `Search the logs for “${typed}”`,
            run: () => navigate(link("/logs", { q: typed })),
          },
        ]
      : []),
    ...matching,
  ];
  const index = Math.min(at.value, Math.max(0, items.length - 1));

  useEffect(() => {
    document.getElementById(`palette-${index}`)?.scrollIntoView({ block: "nearest" });
  }, [index]);

  const run = (action: Action | undefined) => {
    if (!action) return;
    close();
    action.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") run(items[index]);
    else if (event.key === "ArrowDown") at.value = Math.min(items.length - 1, index + 1);
    else if (event.key === "ArrowUp") at.value = Math.max(0, index - 1);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog label="Go to" close={close} class="palette">
      <div class="palette-line">
        <Icon name="search" />
        <input
          class="grow"
          placeholder="Page, service, time range, or any id: request, trace, span, job, batch, run, log…"
          aria-label="Where to go"
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={items.length > 0 ? `palette-${index}` : undefined}
          spellcheck={false}
          autocomplete="off"
          autofocus
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
            at.value = 0;
          }}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      <div id="palette-list" class="palette-list" role="listbox" aria-label="Places">
        {items.map((item, place) => (
          <div
            key={`${item.icon} ${item.name}`}
            id={`palette-${place}`}
            class="palette-item"
            role="option"
            tabIndex={-1}
            aria-selected={place === index}
            onClick={() => run(item)}
            onPointerMove={() => {
              at.value = place;
            }}
          >
            <Icon name={item.icon} />
            <span class="grow clip">{item.name}</span>
            <span class="dim">{item.note}</span>
          </div>
        ))}
      </div>
      {isId && found.data.value === null && <p class="palette-note dim">No record has the id {typed}.</p>}
    </Dialog>
  );
}
