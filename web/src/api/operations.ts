/** Operations: jobs, stages, engines, batches, runs, agents, workers; and what is asked of the server about them. */

import { get } from "./client";

export const STATUSES = [
  "queued",
  "running",
  "completed",
  "failed",
  "cancelled",
  "dead_lettered",
  "abandoned",
] as const;
export type OperationStatus = (typeof STATUSES)[number];

/** One operation as it is now. Texts that are not known are empty or null. */
export interface Operation {
  operation_id: string;
  /** `job`, `stage`, `engine`, `batch`, `run`, `agent`, `worker`, `task`, or the application's own. */
  kind: string;
  name: string;
  /** The id that the application knows it by. */
  key: string | null;
  parent_id: string | null;
  status: OperationStatus;
  service: string;
  environment: string;
  version: string;
  host: string;
  pid: number;
  started_at: string;
  ended_at: string | null;
  last_seen: string;
  /** So far, while it runs. */
  duration_ms: number | null;
  attempt: number;
  attempts: number;
  done: number | null;
  total: number | null;
  percent: number | null;
  /** Of those that are `done`. */
  items_failed: number;
  step: string | null;
  cpu_ms: number | null;
  memory_peak_bytes: number | null;
  memory_delta_bytes: number | null;
  rows: number | null;
  reason: string | null;
  error_type: string | null;
  error_id: string | null;
  /** Kind and name of the innermost operation that failed first. */
  failed_in: string | null;
  /** `operation_id` of the attempt that it goes on from. */
  recovers: string | null;
  /** What the last checkpoint holds. */
  checkpoint: Record<string, unknown> | null;
  trace_id: string | null;
  span_id: string | null;
  request_id: string | null;
  job_id: string | null;
  batch_id: string | null;
  run_id: string | null;
  project_id: string | null;
  user_id: string | null;
}

export interface OperationPage {
  operations: Operation[];
  total: number;
  next: string | null;
}

export type Counts = Partial<Record<OperationStatus, number>>;

/** Why some of one name failed. */
export interface Reason {
  reason: string;
  error_type: string | null;
  failed_in: string | null;
  count: number;
  /** An occurrence that tells of it. */
  error_id: string | null;
}

/** All operations of one name together. */
export interface Name {
  name: string;
  count: number;
  by_status: Counts;
  running: number;
  /** 0 … 1 of those that ended; null when none did. */
  success_rate: number | null;
  throughput_per_hour: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  max_ms: number | null;
  mean_ms: number | null;
  retries: number;
  cpu_ms: number | null;
  memory_peak_bytes: number | null;
  rows: number | null;
  last_started_at: string | null;
  last_status: OperationStatus | null;
  /** Engines: whether the application said that it has it; null where nothing is expected. */
  expected: boolean | null;
  over_time: number[];
  reasons: Reason[];
}

export interface Summary {
  by_status: Counts;
  running: number;
  throughput_per_hour: number;
  over_time: {
    start: string;
    end: string;
    completed: number;
    failed: number;
    other: number;
    started: number;
  }[];
  names: Name[];
  kinds: { kind: string; count: number }[];
}

/** One event in the life of an operation, with the members that this event has. */
export interface OperationEvent extends Partial<Omit<Operation, "status">> {
  timestamp: string;
  event: string;
  status?: string;
  data?: Record<string, unknown> | null;
}

/** An operation on the time line of one that it is a part of. */
export interface TimelineItem {
  operation_id: string;
  parent_id: string | null;
  kind: string;
  name: string;
  started_at: string;
  /** So far, while it runs. */
  duration_ms: number | null;
  status: OperationStatus;
}

export interface OperationDetail {
  operation: Operation;
  inputs: Record<string, unknown> | null;
  results: Record<string, unknown> | null;
  configuration: Record<string, unknown> | null;
  events: OperationEvent[];
  /** All of the same kind and key, the oldest first. */
  attempts: Operation[];
  children: Operation[];
  /** All that lies beneath it, by when it began; of very many, those that took longest. */
  timeline: TimelineItem[];
  /** How many more there are. */
  timeline_more: number;
  /** The outermost first. */
  ancestors: { operation_id: string; kind: string; name: string }[];
  items_failed: OperationEvent[];
  logs: { count: number; url: string };
  trace: { trace_id: string; url: string } | null;
  errors: {
    error_id: string;
    issue: string;
    error_type: string;
    error_message: string;
    timestamp: string;
    url: string;
  }[];
}

/** `late`: one heartbeat is overdue; `lost`: its process is gone, or silent for too long. */
export type WorkerState = "alive" | "late" | "lost" | "ended";

export interface Worker extends Operation {
  state: WorkerState;
  last_heartbeat: string | null;
  heartbeat_age_seconds: number | null;
  interval_seconds: number | null;
  /** What it works on. */
  current: Operation[];
  completed: number;
  failed: number;
}

/** A page of operations. */
export function listOperations(search: URLSearchParams, signal: AbortSignal): Promise<OperationPage> {
  return get(`/v1/operations?${search}`, signal);
}

/** Counts, durations and failures, in all and by name. */
export function summarise(search: URLSearchParams, signal: AbortSignal): Promise<Summary> {
  return get(`/v1/operations/summary?${search}`, signal);
}

/** One operation, by its `operation_id` or its key. */
export function readOperation(id: string, kind: string, signal: AbortSignal): Promise<OperationDetail> {
  const search = kind === "" ? "" : `?kind=${encodeURIComponent(kind)}`;
  return get(`/v1/operations/${encodeURIComponent(id)}${search}`, signal);
}

export function listWorkers(search: URLSearchParams, signal: AbortSignal): Promise<{ workers: Worker[] }> {
  return get(`/v1/workers?${search}`, signal);
}

/** How long after its beginning it was last heard, ms: when its progress was told, or a little later. */
export function heardAfter(operation: Pick<Operation, "last_seen" | "started_at">): number {
  return Date.parse(operation.last_seen) - Date.parse(operation.started_at);
}

/** How far it is, 0 … 1; undefined where nobody can know. */
export function share(operation: Pick<Operation, "done" | "total" | "percent">): number | undefined {
  const { done, total, percent } = operation;
  if (done !== null && total !== null && total > 0) return Math.min(1, Math.max(0, done / total));
  return percent === null ? undefined : Math.min(1, Math.max(0, percent / 100));
}
