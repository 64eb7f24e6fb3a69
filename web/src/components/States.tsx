/** What a place shows while there is nothing to show: loading, nothing found, failed. */

import type { ComponentChildren } from "preact";
import type { Failure } from "../api/client";
import { Copy } from "./Copy";
import { Icon } from "./Icon";

/** Grey bars that hold the place of rows on their way. */
export function Skeleton({ rows = 8 }: { rows?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: rows }, (_, at) => (
        <i key={at} class={`skeleton-bar w${(at * 7) % 5}`} />
      ))}
    </div>
  );
}

/** A command to type in a terminal, with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <span class="command">
      <code>{text}</code>
      <Copy text={text} label={`Copy ${text}`} />
    </span>
  );
}

interface EmptyProps {
  title: string;
  children?: ComponentChildren;
}

/** Nothing here, and what to do about it. */
export function Empty({ title, children }: EmptyProps) {
  return (
    <div class="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What failed, and a way to try again. */
export function Failed({ failure, retry }: { failure: Failure; retry?: () => void }) {
  return (
    <div class="state failed" role="alert">
      <h2 class="row">
        <Icon name="error" />
        {failure.title}
      </h2>
      {failure.detail && <p>{failure.detail}</p>}
      {failure.errors.map((error) => (
        <p key={error.field}>
          <code>{error.field}</code> {error.message}
        </p>
      ))}
      {retry && (
        <button type="button" class="button" onClick={retry}>
          <Icon name="refresh" /> Try again
        </button>
      )}
    </div>
  );
}

/** The same on one line, above what is shown still. */
export function Stale({ failure, retry }: { failure: Failure; retry: () => void }) {
  return (
    <div class="stale" role="alert">
      <Icon name="error" size={14} />
      <span class="grow clip">
        <b>{failure.title}.</b> {failure.detail}
      </span>
      <button type="button" class="button small" onClick={retry}>
        <Icon name="refresh" size={14} /> Try again
      </button>
    </div>
  );
}

/** A thin line that moves while an answer is late. */
export function Late({ on }: { on: boolean }) {
  return <div class={on ? "late on" : "late"} aria-hidden="true" />;
}
