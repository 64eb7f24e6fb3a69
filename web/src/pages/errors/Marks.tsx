import type { Category as CategoryName, IssueStatus } from "../../api/errors";

/** A sign for each status, so that it is told without its colour. */
const SIGNS: Record<IssueStatus, string> = {
  new: "●",
  regressed: "↺",
  acknowledged: "◐",
  resolved: "✓",
  ignored: "–",
};

export function Status({ status }: { status: IssueStatus }) {
  return (
    <span class={`issue-status status-${status}`}>
      <i aria-hidden="true">{SIGNS[status] ?? "?"}</i> {status}
    </span>
  );
}

/** What each category asks for. */
const ASKS: Record<CategoryName, string> = {
  transient: "Passes by itself: retry",
  configuration: "A setting is wrong: tell who runs it",
  resource: "Something ran out: scale or clean up",
  bug: "A fault in the code: mend it",
  external: "Somebody else's service failed: watch it",
  user: "Input was wrong: check it earlier",
};

export function Category({ category }: { category: CategoryName }) {
  return (
    <span class={`issue-category category-${category}`} title={ASKS[category]}>
      {category}
    </span>
  );
}
