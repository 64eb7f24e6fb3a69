/** What about capture, ingest and store wants a person. */

import type { Status, Stream } from "../api/types";

/** Records that a stream had to drop. */
export function dropped(stream: Stream): number {
  return Object.values(stream.dropped).reduce((sum, each) => sum + each, 0);
}

/** Who sends a stream, in words. */
export function sender(stream: Stream): string {
  if (!stream.service) return "over HTTP";
  return stream.pid ? `${stream.service} (pid ${stream.pid})` : stream.service;
}

/** One sentence each, the gravest first; none when all is well. */
export function concerns(about: Status | undefined): string[] {
  if (!about) return [];
  const { ingest } = about;
  const found: string[] = [];
  if (!ingest.running) found.push("The server takes nothing in");
  if (ingest.trouble) found.push(`The server cannot take in lines: ${ingest.trouble}`);
  for (const stream of ingest.streams) {
    const name = sender(stream);
    if (stream.degraded_since) found.push(`${name} is degraded${because(stream.dropped_reason)}`);
    if (stream.error) found.push(`${name} cannot be read: ${stream.error}`);
    if (dropped(stream) > 0)
      found.push(`${name} dropped ${dropped(stream)} records${because(stream.dropped_reason)}`);
    if (stream.internal_errors > 0)
      found.push(`${name} had ${stream.internal_errors} errors in the capture itself`);
    if (stream.missing_segments > 0) found.push(`${name} lost ${stream.missing_segments} segments`);
  }
  const byStreams = ingest.streams.reduce((sum, stream) => sum + dropped(stream), 0);
  if (about.dropped_total > byStreams)
    found.push(`${about.dropped_total - byStreams} records were dropped by processes that ended`);
  if (ingest.garbage_lines > 0)
    found.push(`${ingest.garbage_lines} lines could not be understood; they are kept aside`);
  return found;
}

function because(reason: string): string {
  return reason === "" ? "" : `: ${reason}`;
}
