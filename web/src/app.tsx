import { useComputed, useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Failure, tokenWanted } from "./api/client";
import { Guard } from "./components/Guard";
import { Empty, Failed } from "./components/States";
import { Help } from "./frame/Help";
import { Palette } from "./frame/Palette";
import { Rail } from "./frame/Rail";
import { TokenAsked } from "./frame/TokenAsked";
import { TopBar } from "./frame/TopBar";
import { useKeys } from "./state/keyboard";
import { link, navigate, params, path, unescaped } from "./state/location";
import { asked } from "./state/range";
import { live, setLive } from "./state/scope";

type Page = ComponentType;

/** A page is a folder, loaded when it is gone to. */
const PAGES: [pattern: RegExp, name: string, load: () => Promise<{ default: Page }>][] = [
  [/^\/logs$/, "Logs", () => import("./pages/logs")],
  [/^\/traces$/, "Traces", () => import("./pages/traces")],
  [/^\/traces\/[^/]+$/, "Trace", () => import("./pages/trace")],
  [/^\/errors$/, "Errors", () => import("./pages/errors")],
  [/^\/errors\/[^/]+$/, "Error", () => import("./pages/error")],
  [/^\/metrics$/, "Metrics", () => import("./pages/metrics")],
  [/^\/jobs$/, "Jobs", () => import("./pages/operations")],
  [/^\/engines$/, "Engines", () => import("./pages/operations")],
  [/^\/batches$/, "Batches", () => import("./pages/operations")],
  [/^\/agents$/, "Agents", () => import("./pages/operations")],
  [/^\/tasks$/, "Tasks", () => import("./pages/operations")],
  [/^\/workers$/, "Workers", () => import("./pages/workers")],
  [/^\/operations\/[^/]+$/, "Operation", () => import("./pages/operation")],
  [/^\/runs$/, "Runs", () => import("./pages/runs")],
  [/^\/runs\/compare$/, "Comparison", () => import("./pages/compare")],
  [/^\/runs\/[^/]+$/, "Run", () => import("./pages/run")],
  [/^\/status$/, "Status", () => import("./pages/status")],
];

/** Addresses that stand for others: the front door, and a log line by its id. */
function redirect(): string | null {
  if (path.value === "/") return link("/logs", Object.fromEntries(params.value));
  const log = /^\/logs\/([^/]+)$/.exec(path.value);
  return log
    ? link("/logs", { ...Object.fromEntries(params.value), log: unescaped(log[1] as string) })
    : null;
}

export function App() {
  const help = useSignal(false);
  const palette = useSignal(false);
  const rangeOpener = useRef<(() => void) | null>(null);
  useKeys({
    "?": () => {
      help.value = true;
    },
    t: () => rangeOpener.current?.(),
    r: () => {
      asked.value += 1;
    },
    l: () => (path.value === "/logs" ? setLive(!live.value) : false),
  });
  useKeys(
    {
      "mod+k": () => {
        palette.value = true;
      },
    },
    true,
  );

  return (
    <div class="frame">
      <Rail
        onHelp={() => {
          help.value = true;
        }}
      />
      <div class="frame-main">
        <TopBar
          rangeOpener={rangeOpener}
          onPalette={() => {
            palette.value = true;
          }}
        />
        <main class="page">
          <Guard key={path.value}>
            <Current />
          </Guard>
        </main>
      </div>
      {help.value && (
        <Help
          close={() => {
            help.value = false;
          }}
        />
      )}
      {palette.value && (
        <Palette
          close={() => {
            palette.value = false;
          }}
        />
      )}
      {tokenWanted.value && <TokenAsked />}
    </div>
  );
}

const loaded = new Map<string, Page>();

/** Loads the other pages while nothing else is to do, so that going there takes no time. */
function loadOthers(): void {
  const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 1000));
  idle(() => {
    for (const [, name, load] of PAGES) {
      load().then(
        (module) => loaded.set(name, module.default),
        () => undefined, // going there tries again
      );
    }
  });
}

function Current() {
  const target = useComputed(redirect).value;
  const known = PAGES.find(([pattern]) => pattern.test(path.value));
  const name = known?.[1] ?? "";
  const arrived = useSignal("");
  const failure = useSignal<Failure | undefined>(undefined);

  useEffect(() => {
    if (target !== null) navigate(target, true);
  }, [target]);
  useEffect(() => {
    if (!known) return;
    document.title = `${name} · Plainview`;
    known[2]().then(
      (module) => {
        loaded.set(name, module.default);
        arrived.value = name;
        loadOthers();
      },
      () => {
        failure.value = new Failure(0, "This page cannot be loaded", "The server was updated or stopped.");
      },
    );
  }, [name]);

  if (target !== null) return null;
  if (!known) {
    return (
      <Empty title="There is no such page">
        <a href={link("/logs")}>Go to the logs</a>
      </Empty>
    );
  }
  if (failure.value) return <Failed failure={failure.value} retry={() => window.location.reload()} />;
  arrived.value; // draws again when the page is there
  const Shown = loaded.get(name);
  return Shown ? <Shown /> : null;
}
