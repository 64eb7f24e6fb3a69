import { Icon, type IconName } from "../components/Icon";
import { concerns } from "../state/concerns";
import { link, path } from "../state/location";
import { dark, theme } from "../state/preferences";
import { freshErrors, status, statusFailure } from "../state/server";
import { short } from "../text/format";

interface Entry {
  path: string;
  name: string;
  icon: IconName;
  /** Further addresses that belong to it. */
  also?: RegExp;
}

export const PAGES: Entry[] = [
  { path: "/logs", name: "Logs", icon: "logs" },
  { path: "/traces", name: "Traces", icon: "traces" },
  { path: "/errors", name: "Errors", icon: "error" },
  { path: "/metrics", name: "Metrics", icon: "metrics" },
  {
    path: "/jobs",
    name: "Jobs",
    icon: "jobs",
    also: /^\/(engines|batches|agents|tasks|workers|operations)\b/,
  },
  { path: "/runs", name: "Runs", icon: "runs" },
  { path: "/status", name: "Status", icon: "status" },
];

/** The way to each page; a red count where something wants a person. */
export function Rail({ onHelp }: { onHelp: () => void }) {
  const wanting = statusFailure.value ? 1 : concerns(status.value).length;
  return (
    <nav class="rail" aria-label="Pages">
      <a class="rail-logo" href={link("/logs")} title="Plainview">
        <span class="unseen">Plainview</span>
        <svg aria-hidden="true" viewBox="0 0 16 16" width="26" height="26">
          <rect width="16" height="16" rx="4" fill="var(--accent)" />
          <path
            d="M3.5 11V8.5M6.5 11V5M9.5 11V7M12.5 11V4"
            stroke="var(--on-accent)"
            stroke-width="1.6"
            stroke-linecap="round"
          />
        </svg>
      </a>
      {PAGES.map((page) => {
        const here = path.value.startsWith(page.path) || page.also?.test(path.value);
        return (
          <a
            key={page.path}
            class="rail-item"
            href={link(page.path)}
            aria-current={here ? "page" : undefined}
          >
            <Icon name={page.icon} size={20} />
            <span>{page.name}</span>
            {page.path === "/status" && (
              <Count
                of={wanting}
                says="want attention"
                title={statusFailure.value?.title ?? concerns(status.value).join("\n")}
              />
            )}
            {page.path === "/errors" && (
              <Count of={freshErrors.value} says="are new" title="New errors, and those that came back" />
            )}
          </a>
        );
      })}
      <span class="grow" />
      <button
        type="button"
        class="rail-item"
        aria-label={dark() ? "Light theme" : "Dark theme"}
        onClick={() => {
          theme.value = dark() ? "light" : "dark";
        }}
      >
        <Icon name={dark() ? "sun" : "moon"} size={18} />
      </button>
      <button
        type="button"
        class="rail-item"
        aria-label="Help and keys (?)"
        title="Help and keys (?)"
        onClick={onHelp}
      >
        <Icon name="help" size={18} />
      </button>
    </nav>
  );
}

/** How many things behind a page want a person. */
function Count({ of, says, title }: { of: number; says: string; title: string }) {
  if (of === 0) return null;
  return (
    <b class="rail-count" title={title}>
      {short(of)}
      <span class="unseen"> {says}</span>
    </b>
  );
}
