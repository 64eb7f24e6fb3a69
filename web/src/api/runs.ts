/** Runs: what the server says of them, of two side by side, and of a row of them. */

import { get } from "./client";
import type { Category } from "./errors";
import type { Operation, OperationStatus, TimelineItem } from "./operations";
import type { Entry, Level } from "./types";

export const CHECK_RESULTS = ["pass", "warning", "fail"] as const;
export type CheckResult = (typeof CHECK_RESULTS)[number];

/** What runs are judged by. */
export type Figure = "duration_ms" | "memory_peak_bytes" | "rows" | "rows_per_second";

/** One run as it is now. */
export interface Run extends Operation {
  run_id: string;
  errors: number;
  warnings: number;
  checks: Record<CheckResult, number>;
  rows_per_second: number | null;
  parameters: Record<string, unknown> | null;
  git_commit: string | null;
  /** Of the runs of its name before it, the oldest first; 20 at most. */
  earlier_durations_ms: number[];
  /** Whether a figure of it is other than they let expect; and which. */
  out_of_line: boolean;
  unusual: Figure[];
}

export interface RunPage {
  runs: Run[];
  total: number;
  next: string | null;
}

/** All operations of one kind and name within a run. */
export interface RunOperation {
  kind: string;
  name: string;
  count: number;
  failed: number;
  total_ms: number;
  mean_ms: number;
  max_ms: number;
  /** Of the run's duration, 0 … 1; more where they ran at the same time. */
  share: number | null;
  cpu_ms: number | null;
  memory_peak_bytes: number | null;
  rows: number | null;
}

export interface Check {
  timestamp: string;
  name: string;
  value: unknown;
  thresholds: unknown;
  result: CheckResult;
  /** Whatever else was said of it. */
  fields?: unknown;
}

/** A file that a run left behind. */
export interface RunFile {
  timestamp: string;
  path: string;
  bytes: number | null;
}

/** What it used at a moment. */
export interface Sample {
  timestamp: string;
  memory_bytes: number | null;
  cpu_percent: number | null;
}

/** An issue that a run met. */
export interface RunError {
  /** null while it is not known yet. */
  issue: string | null;
  error_id: string;
  error_type: string;
  error_message: string;
  category: Category;
  count: number;
  first_seen: string;
  url: string;
}

/** The parts of a run's summary that are read here. */
export interface Summary {
  run_metadata?: { parent_run_id?: string | null };
  execution_summary?: { results?: Record<string, unknown> };
}

export interface RunDetail {
  run: Run;
  parameters: Record<string, unknown> | null;
  environment: Record<string, unknown> | null;
  /** What `summary.json` holds, once it has ended. */
  summary: Summary | null;
  /** The slowest first. */
  operations: RunOperation[];
  timeline: TimelineItem[];
  checks: Check[];
  artifacts: RunFile[];
  backups: RunFile[];
  warnings: { timestamp: string; text: string }[];
  resources: Sample[];
  errors: RunError[];
  logs: { count: number; by_level: Partial<Record<Level, number>>; url: string };
}

/** A value of two runs. */
export interface Pair<T = unknown> {
  name: string;
  a: T;
  b: T;
  same: boolean;
}

/** How the checks of one name went in a run: the worst of them. */
export interface WorstCheck extends Pick<Check, "value" | "thresholds" | "result"> {
  count: number;
}

export interface FigurePair {
  name: Figure | "cpu_ms" | "errors" | "warnings";
  a: number | null;
  b: number | null;
  /** b ÷ a; null where there is none. */
  ratio: number | null;
}

export interface OperationPair {
  kind: string;
  name: string;
  a_ms: number | null;
  b_ms: number | null;
  ratio: number | null;
  a_count: number;
  b_count: number;
}

/** A kind of message that only one of two runs logged. */
export interface RunPattern {
  pattern: string;
  level: Level;
  count: number;
  /** A line that says so. */
  example_id: string;
}

/** What one of two runs has and the other has not. */
export interface NewAndGone<T> {
  new: T[];
  gone: T[];
}

export interface Comparison {
  a: Run;
  b: Run;
  /** What has to be known to judge the comparison. */
  notes: string[];
  parameters: Pair[];
  environment: Pair[];
  operations: OperationPair[];
  figures: FigurePair[];
  checks: Pair<WorstCheck | null>[];
  patterns: NewAndGone<RunPattern>;
  errors: NewAndGone<RunError>;
}

export interface TrendPoint extends Record<Figure, number | null> {
  run_id: string;
  started_at: string;
  status: OperationStatus;
}

/** Whether the newest value of a figure is out of line with those before it. */
export interface TrendFigure {
  figure: Figure;
  median: number | null;
  mad: number | null;
  newest: number | null;
  score: number | null;
  threshold: number;
  out_of_line: boolean;
  direction: "higher" | "lower" | null;
  /** Where the figure goes over all runs that completed; `change` from the first to the last, 0.2 is a fifth more. */
  drift: { change: number | null; score: number | null; drifts: boolean };
}

export interface Trend {
  name: string;
  /** The oldest first. */
  points: TrendPoint[];
  /** The newest that completed: the one that the figures judge. */
  judged: string | null;
  figures: TrendFigure[];
}

/** Why a run failed, as far as the records tell. */
export interface Analysis {
  run_id: string;
  failed: boolean;
  first_failure: {
    operation: Operation;
    error: {
      /** null where the operation alone tells of it. */
      error_id: string | null;
      issue: string | null;
      type: string;
      message: string;
      category: Category;
      action: string;
    } | null;
  } | null;
  /** Operations that failed, survived or not, the first ones. */
  failures: Operation[];
  /** The line that tells of the failure, and those around it. */
  log: string | null;
  logs_around: Entry[];
  errors: RunError[];
  last_good: { run_id: string; started_at: string } | null;
  changed: {
    parameters: Pair[];
    environment: Pair[];
    operations: OperationPair[];
    patterns: NewAndGone<RunPattern>;
    errors: NewAndGone<RunError>;
  } | null;
}

/** A page of runs. */
export function listRuns(search: URLSearchParams, signal: AbortSignal): Promise<RunPage> {
  return get(`/v1/runs?${search}`, signal);
}

export function readRun(id: string, signal: AbortSignal): Promise<RunDetail> {
  return get(`/v1/runs/${encodeURIComponent(id)}`, signal);
}

/** What of two runs differs; `a` is what `b` is measured by. */
export function compareRuns(a: string, b: string, signal: AbortSignal): Promise<Comparison> {
  return get(`/v1/runs/compare?${new URLSearchParams({ a, b })}`, signal);
}

/** The last runs of a name. */
export function readTrend(
  run: Pick<Run, "name" | "service" | "environment">,
  signal: AbortSignal,
): Promise<Trend> {
  const search = new URLSearchParams({ name: run.name, last: "20" });
  for (const where of ["service", "environment"] as const)
    if (run[where] !== "") search.set(where, run[where]);
  return get(`/v1/runs/trend?${search}`, signal);
}

export function readAnalysis(id: string, signal: AbortSignal): Promise<Analysis> {
  return get(`/v1/runs/${encodeURIComponent(id)}/analysis`, signal);
}
