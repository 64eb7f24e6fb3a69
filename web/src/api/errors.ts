/** Shapes of the answers about errors. */

import type { Entry, Level } from "./types";

export const STATUSES = ["new", "acknowledged", "resolved", "regressed", "ignored"] as const;
export type IssueStatus = (typeof STATUSES)[number];

export const CATEGORIES = ["transient", "configuration", "resource", "bug", "external", "user"] as const;
export type Category = (typeof CATEGORIES)[number];

/** Errors that share a fingerprint. */
export interface Issue {
  id: string;
  error_type: string;
  error_message: string;
  culprit: string;
  component: string;
  category: Category;
  status: IssueStatus;
  level: Level;
  first_seen: string;
  last_seen: string;
  occurrence_count: number;
  /** Occurrences per hour of the last day, the latest hour last. */
  sparkline: number[];
  users: number;
  jobs: number;
  services: string[];
  assignee?: string | null;
}

export interface IssuePage {
  errors: Issue[];
  total: number;
  next: string | null;
}

export interface StackFrame {
  file?: string;
  path?: string;
  module?: string;
  function?: string;
  line?: number;
  source?: string;
  before?: string[];
  after?: string[];
  in_app?: boolean | null;
  locals?: Record<string, unknown> | null;
}

/** An exception of a chain or a group; `parent` is its place in the list. */
export interface Raised {
  type?: string;
  module?: string;
  message?: string;
  frames?: StackFrame[];
  notes?: string[];
  parent?: number | null;
  relation?: string | null;
}

export interface Occurrence extends Partial<Entry> {
  error_id: string;
  mechanism: string;
  handled: boolean;
  component: string;
  stack_trace: string;
  exceptions: Raised[];
  context: Record<string, unknown>;
  count: number;
}

/** One issue with all that it touched. */
export interface IssueDetail extends Issue {
  stack_trace: string;
  resolution_notes: string | null;
  resolved_in: string | null;
  /** What its category asks for. */
  action: string;
  /** `error_id` of the latest occurrence that is kept. */
  latest: string | null;
  /** Fingerprints that are one issue: several where issues were merged. */
  groups: { fingerprint: string; origin: string; occurrence_count: number }[];
  /** How many different values it touched, by kind; the lists below hold the latest. */
  affected: Record<string, number>;
  affected_jobs: string[];
  affected_batches: string[];
  affected_runs: string[];
  affected_users: string[];
  affected_requests: string[];
  releases: string[];
  /** The latest occurrence whole, and what its occurrences have in common: where they were asked for. */
  occurrence?: OccurrenceDetail | null;
  distributions?: Distribution[];
}

/** An occurrence as it stands in a list. */
export interface OccurrenceRow extends Partial<Entry> {
  error_id: string;
  timestamp: string;
  count: number;
}

export interface OccurrencePage {
  occurrences: OccurrenceRow[];
  total: number;
  next: string | null;
}

/** One occurrence whole, with the lines before it and its neighbours. */
export interface OccurrenceDetail extends Occurrence {
  breadcrumbs: Entry[];
  newer: string | null;
  older: string | null;
}

export interface Distribution {
  field: string;
  values: { value: string; count: number }[];
}

export interface Change {
  time: string;
  actor: string;
  action: string;
  before: string | null;
  after: string | null;
  note?: string | null;
}
