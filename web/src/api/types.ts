/** Shapes of the server's answers. */

export const LEVELS = ["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"] as const;
export type Level = (typeof LEVELS)[number];

/** Fields that tie records together, in the order they are shown. */
export const CONTEXT = [
  "request_id",
  "trace_id",
  "span_id",
  "job_id",
  "batch_id",
  "run_id",
  "user_id",
  "project_id",
  "session_id",
  "tenant_id",
] as const;
type ContextField = (typeof CONTEXT)[number];

export interface Exception {
  type?: string;
  message?: string;
  stack_trace?: string;
  fingerprint?: string;
}

export interface Entry extends Partial<Record<ContextField, string>> {
  id: string;
  timestamp: string;
  level: Level;
  message: string;
  logger?: string;
  service?: string;
  environment?: string;
  version?: string;
  host?: string;
  pid?: number;
  stream?: string;
  duration_ms?: number;
  extra?: Record<string, unknown>;
  source?: { file?: string; function?: string; line?: number };
  exception?: Exception;
}

/** Filter that search, facets, histogram and patterns share. */
export interface LogFilter {
  start_time?: string;
  end_time?: string;
  service?: string[];
  environment?: string[];
  q?: string;
}

export interface LogPage {
  logs: Entry[];
  total: number;
  next: string | null;
  /** Where a tail goes on from to miss nothing and repeat nothing. */
  last_id: string;
}

export interface FacetValue {
  value: string | number | boolean | null;
  count: number;
}

export interface FacetField {
  field: string;
  values: FacetValue[];
  more: boolean;
}

export interface LogHistogram {
  start: string;
  end: string;
  width_ms: number;
  buckets: { time: string; counts: Partial<Record<Level, number>> }[];
}

export interface Pattern {
  pattern: string;
  count: number;
  level: Level;
  first: string;
  last: string;
  example_id: string;
}

export interface Surroundings {
  before: Entry[];
  entry: Entry;
  after: Entry[];
}

export interface TraceFilter {
  start_time?: string;
  end_time?: string;
  service?: string[];
  environment?: string[];
  status?: "OK" | "ERROR";
  min_duration_ms?: number;
  max_duration_ms?: number;
  q?: string;
}

export interface TraceRow {
  trace_id: string;
  name: string;
  service: string;
  services: string[];
  start_time: string;
  duration_ms: number;
  span_count: number;
  error_count: number;
  status: string;
  kind?: string;
  request_id?: string;
}

export interface TracePage {
  traces: TraceRow[];
  total: number;
  next: string | null;
}

export interface TraceHistogram {
  start: string;
  end: string;
  width_ms: number;
  buckets: { time: string; count: number; errors: number; p50_ms: number | null; p95_ms: number | null }[];
}

export interface SpanEvent {
  name: string;
  offset_ms: number;
  attributes?: Record<string, unknown>;
}

export interface Span extends Partial<Record<Exclude<ContextField, "span_id">, string>> {
  span_id: string;
  parent_span_id?: string | null;
  depth: number;
  children: string[];
  name: string;
  kind?: string;
  service: string;
  status: string;
  status_message?: string;
  scope?: string;
  start_time: string;
  /** Offset from the start of the trace. */
  start_ms: number;
  duration_ms: number;
  /** Time in which none of its children ran. */
  self_ms: number;
  /** Whether it lies on the critical path. */
  critical: boolean;
  attributes?: Record<string, unknown>;
  events?: SpanEvent[];
  links?: { trace_id: string; span_id: string; attributes?: Record<string, unknown> }[];
  log_counts?: Partial<Record<Level, number>>;
}

export interface TraceLog extends Entry {
  offset_ms: number;
}

export interface Trace {
  trace_id: string;
  name: string;
  start_time: string;
  duration_ms: number;
  services: string[];
  span_count: number;
  error_count: number;
  truncated: boolean;
  /** In pre-order. */
  spans: Span[];
  logs: TraceLog[];
}

export interface ServiceRow {
  service: string;
  environments: string[];
  last_seen: string;
  logs: number;
  spans: number;
}

/** One process that sends, or what comes in over HTTP (without a service). */
export interface Stream {
  stream: string;
  service: string;
  pid: number | null;
  alive: boolean;
  /** Shipped from another machine. */
  remote: boolean;
  lag_bytes: number;
  missing_segments: number;
  dropped: Record<string, number>;
  dropped_reason: string;
  degraded_since: string | null;
  rate_limited: number;
  internal_errors: number;
  error: string;
}

export interface Status {
  version: string;
  uptime_seconds: number;
  directory: string;
  store: Record<string, unknown>;
  ingest: {
    lines: number;
    bytes: number;
    garbage_lines: number;
    lag_bytes: number;
    running: boolean;
    trouble: string;
    streams: Stream[];
  };
  dropped_total: number;
}
