import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { IssueDetail, OccurrenceDetail } from "../../api/errors";
import { get } from "../../api/client";
import { Copy } from "../../components/Copy";
import { Icon } from "../../components/Icon";
import { Menu } from "../../components/Menu";
import { Failed, Late, Skeleton } from "../../components/States";
import { Text } from "../../components/Text";
import { useKeys } from "../../state/keyboard";
import { link, navigate, param, path, unescaped, update } from "../../state/location";
import { useResource } from "../../state/resource";
import { visibleString } from "../../text/visible";
import { type Act, ACTIONS, act } from "../errors/actions";
import { Category, Status } from "../errors/Marks";
import { Facts } from "./Facts";
import { History } from "./History";
import { OccurrenceView } from "./OccurrenceView";
import { Occurrences } from "./Occurrences";
import { Resolve } from "./Resolve";
import "./error.css";

const TABS = { occurrence: "This occurrence", occurrences: "All occurrences", history: "History" } as const;
type Tab = keyof typeof TABS;

/** For how long an error can be let be. */
const IGNORE: [string, Record<string, unknown>][] = [
  ["for good", {}],
  ["for a day", { until: "1d" }],
  ["for a week", { until: "7d" }],
  ["until 10 more", { count: 10 }],
  ["until 100 more", { count: 100 }],
];

const occurrenceParam = param("occurrence");
const tabParam = param("tab");

/** What the page shows at once comes with the issue: one answer, and nothing that waits for it. */
function included(): string {
  return occurrenceParam.value ? "?include=distributions" : "?include=distributions&include=occurrence";
}

/** One issue: what happened, to whom, how often, what was decided. */
export default function ErrorPage() {
  const id = unescaped(path.value.split("/")[2] ?? "");
  const url = `/v1/errors/${encodeURIComponent(id)}`;
  const version = useSignal(0);
  const answer = useResource(`${id} ${version.value}`, (signal) =>
    get<IssueDetail>(url + included(), signal),
  );
  const issue = answer.data.value;
  const reload = () => {
    version.value += 1;
  };
  useKeys({ u: () => navigate(link("/errors")), Escape: () => navigate(link("/errors")) });
  if (answer.failure.value && !issue) return <Failed failure={answer.failure.value} retry={answer.retry} />;
  if (!issue || issue.id !== id) {
    // An occurrence or a fingerprint was asked for: the address becomes the issue's.
    if (issue) navigate(link(`/errors/${encodeURIComponent(issue.id)}`, { occurrence: id }), true);
    return answer.slow.value ? <Skeleton rows={16} /> : null;
  }
  return <Issue key={issue.id} issue={issue} url={url} reload={reload} late={answer.slow.value} />;
}

interface IssueProps {
  issue: IssueDetail;
  url: string;
  reload: () => void;
  late: boolean;
}

function Issue({ issue, url, reload, late }: IssueProps) {
  const tab: Tab = tabParam.value in TABS ? (tabParam.value as Tab) : "occurrence";
  const shown = occurrenceParam.value || issue.latest || "";
  const here = issue.occurrence?.error_id === shown ? issue.occurrence : undefined;
  // The latest is found at once by that name; by its id, all of them are looked through.
  const named = shown === issue.latest ? "latest" : shown;
  const whole = useResource(shown === "" || here ? null : shown, (signal) =>
    get<OccurrenceDetail>(`${url}/occurrences/${encodeURIComponent(named)}`, signal),
  );
  const occurrence = here ?? whole.data.value;
  const failure = here ? undefined : whole.failure.value;
  const go = (error: string | null | undefined) => {
    if (!error) return false;
    update({ occurrence: error, tab: null }, true);
    return true;
  };
  useKeys({ "[": () => go(occurrence?.newer), "]": () => go(occurrence?.older) });
  return (
    <div class="error-page">
      <Late on={late || whole.slow.value} />
      <Head issue={issue} reload={reload} />
      <div class="error-body">
        <div class="error-main">
          <div class="row error-tabs">
            <div class="tabs" role="tablist" aria-label="About this error">
              {(Object.keys(TABS) as Tab[]).map((name) => (
                <button
                  key={name}
                  type="button"
                  role="tab"
                  class="tab"
                  aria-selected={tab === name}
                  onClick={() => update({ tab: name === "occurrence" ? null : name }, true)}
                >
                  {TABS[name]}
                </button>
              ))}
            </div>
            <span class="grow" />
            {tab === "occurrence" && occurrence && (
              <>
                <Step name="Newer" icon="left" keys="[" to={occurrence.newer} go={go} />
                <Step name="Older" icon="right" keys="]" to={occurrence.older} go={go} />
              </>
            )}
          </div>
          {tab === "occurrence" && (
            <>
              {failure && <Failed failure={failure} retry={whole.retry} />}
              {shown === "" && (
                <p class="dim error-none">
                  Its occurrences are older than what is kept; the counts and decisions stay.
                </p>
              )}
              {occurrence && !failure && <OccurrenceView occurrence={occurrence} />}
            </>
          )}
          {tab === "occurrences" && <Occurrences url={url} open={go} />}
          {tab === "history" && <History url={url} version={issue.status} reload={reload} />}
        </div>
        <Facts issue={issue} url={url} reload={reload} />
      </div>
    </div>
  );
}

interface StepProps {
  name: string;
  icon: "left" | "right";
  keys: string;
  to: string | null;
  go: (error: string | null) => unknown;
}

function Step({ name, icon, keys, to, go }: StepProps) {
  return (
    <button
      type="button"
      class="button small"
      disabled={!to}
      title={`${name} occurrence ( ${keys} )`}
      onClick={() => go(to)}
    >
      <Icon name={icon} size={12} /> {name}
    </button>
  );
}

/** What it is, and what to do about it. */
function Head({ issue, reload }: { issue: IssueDetail; reload: () => void }) {
  const asking = useSignal(false);
  const trouble = useSignal("");
  const run = async (name: Act, more: Record<string, unknown> = {}) => {
    const failure = await act(name, [issue.id], more);
    trouble.value = failure?.message ?? "";
    reload();
  };
  useKeys({
    e: () => {
      asking.value = true;
    },
    a: () => void run("acknowledge"),
    i: () => void run("ignore"),
  });
  const done = issue.status === "resolved" || issue.status === "ignored";
  return (
    <header class="error-head">
      <div class="row">
        <a
          class="button bare square small"
          href={link("/errors")}
          title="All errors ( u )"
          aria-label="All errors"
        >
          <Icon name="left" />
        </a>
        <h1 class="clip">
          <span class="issue-type">
            <Text value={issue.error_type || "Message"} limit={200} />
          </span>
        </h1>
        <Status status={issue.status} />
        <Category category={issue.category} />
        <span class="grow" />
        {done ? (
          <Action onClick={() => void run("reopen")}>Open again</Action>
        ) : (
          <>
            <Action primary keys={ACTIONS.resolve.key} onClick={() => (asking.value = true)}>
              Resolve
            </Action>
            <Action keys={ACTIONS.acknowledge.key} onClick={() => void run("acknowledge")}>
              Acknowledge
            </Action>
            <Menu label="Ignore" text="Ignore" right>
              {(close) =>
                IGNORE.map(([says, more]) => (
                  <button
                    key={says}
                    type="button"
                    class="menu-item"
                    onClick={() => {
                      close();
                      void run("ignore", more);
                    }}
                  >
                    {says}
                  </button>
                ))
              }
            </Menu>
          </>
        )}
        <Copy text={() => window.location.href} label="Copy the address" />
      </div>
      <p class="error-message">
        <Text value={issue.error_message} multiline limit={2000} />
      </p>
      <p class="dim">
        <Text value={[issue.culprit, issue.component].filter(Boolean).join(" · ")} limit={300} />
        {issue.resolution_notes && <> · {visibleString(issue.resolution_notes)}</>}
        {issue.action && <> · {issue.action}</>}
      </p>
      {trouble.value && (
        <p class="failed-count" role="alert">
          {trouble.value}
        </p>
      )}
      {asking.value && (
        <Resolve
          close={() => {
            asking.value = false;
          }}
          resolve={(more) => {
            asking.value = false;
            void run("resolve", more);
          }}
        />
      )}
    </header>
  );
}

interface ActionProps {
  primary?: boolean;
  keys?: string;
  onClick: () => void;
  children: ComponentChildren;
}

function Action({ primary, keys, onClick, children }: ActionProps) {
  return (
    <button type="button" class={primary ? "button primary" : "button"} onClick={onClick}>
      {children} {keys && <kbd>{keys}</kbd>}
    </button>
  );
}
