import type { ComponentChildren } from "preact";
import type { Status as About, Stream } from "../../api/types";
import { Icon } from "../../components/Icon";
import { Service } from "../../components/Service";
import { Command, Failed, Skeleton } from "../../components/States";
import { concerns, dropped, sender } from "../../state/concerns";
import { zone } from "../../state/preferences";
import { refreshServer, serviceRows, status, statusFailure } from "../../state/server";
import { ago, bytes, count, day, duration } from "../../text/format";
import { visibleString } from "../../text/visible";
import { Preferences } from "./Preferences";
import "./status.css";

/** How capture, ingest and store are doing, and what this browser prefers. */
export default function Status() {
  const about = status.value;
  const failure = statusFailure.value;
  return (
    <div class="status">
      {failure && <Failed failure={failure} retry={() => void refreshServer()} />}
      {!about && !failure && <Skeleton rows={12} />}
      {about && (
        <>
          <Concerns about={about} />
          <Cards about={about} />
          <Streams streams={about.ingest.streams} />
          <Services />
        </>
      )}
      <Preferences />
    </div>
  );
}

function Concerns({ about }: { about: About }) {
  const found = concerns(about);
  if (found.length === 0) {
    return (
      <p class="status-note well">
        <Icon name="check" /> All is well: nothing was dropped, no capture is degraded, every line was
        understood.
      </p>
    );
  }
  return (
    <div class="status-note wanting" role="status">
      <Icon name="warning" />
      <ul>
        {found.map((each) => (
          <li key={each}>{visibleString(each)}</li>
        ))}
      </ul>
      <Command text="plainview doctor" />
    </div>
  );
}

function Card({
  name,
  value,
  note,
  bad = false,
}: {
  name: string;
  value: string;
  note?: ComponentChildren;
  bad?: boolean;
}) {
  return (
    <div class={bad ? "card bad" : "card"}>
      <dt>
        {bad && <Icon name="warning" size={14} />}
        {name}
      </dt>
      <dd>
        <b>{value}</b>
        {note && <span class="dim">{note}</span>}
      </dd>
    </div>
  );
}

/** What the store tells of itself, as far as it does. */
interface StoreFacts {
  engine?: string;
  bytes?: number;
  free_bytes?: number;
  rows?: Record<string, number>;
  tables?: Record<string, { oldest?: string | null }>;
}

function since(oldest: string | null | undefined) {
  return oldest ? { note: `since ${day(oldest, zone.value)}` } : {};
}

function Cards({ about }: { about: About }) {
  const { ingest } = about;
  const store = about.store as StoreFacts;
  return (
    <section aria-label="Server">
      <h2>Server</h2>
      <dl class="cards">
        <Card name="Version" value={about.version} note={`up ${duration(about.uptime_seconds * 1000)}`} />
        <Card name="Lines taken in" value={count(ingest.lines)} note={bytes(ingest.bytes)} />
        <Card name="Waiting in the spool" value={bytes(ingest.lag_bytes)} />
        <Card
          name="Not understood"
          value={count(ingest.garbage_lines)}
          note="lines, kept aside"
          bad={ingest.garbage_lines > 0}
        />
        <Card
          name="Dropped"
          value={count(about.dropped_total)}
          note="records"
          bad={about.dropped_total > 0}
        />
        {Object.entries(store.rows ?? {}).map(([table, rows]) => (
          <Card
            key={table}
            name={`Stored ${table}`}
            value={count(rows)}
            {...since(store.tables?.[table]?.oldest)}
          />
        ))}
        {store.bytes !== undefined && (
          <Card
            name="On disk"
            value={bytes(store.bytes)}
            note={store.free_bytes === undefined ? store.engine : `${bytes(store.free_bytes)} free`}
          />
        )}
      </dl>
      <p class="dim status-directory">
        Data in <code>{visibleString(about.directory)}</code>
      </p>
    </section>
  );
}

function Streams({ streams }: { streams: Stream[] }) {
  return (
    <section aria-label="Streams">
      <h2>Streams: processes that send</h2>
      {streams.length === 0 ? (
        <p class="dim">No process is sending. Start one:</p>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th>Service</th>
              <th class="number">Pid</th>
              <th>State</th>
              <th class="number">Waiting</th>
              <th class="number">Dropped</th>
              <th>Stream</th>
            </tr>
          </thead>
          <tbody>
            {streams.map((stream) => (
              <tr key={stream.stream}>
                <td>{stream.service ? <Service name={stream.service} /> : sender(stream)}</td>
                <td class="number">{stream.pid ?? "–"}</td>
                <td>
                  <StreamState stream={stream} />
                </td>
                <td class="number">{bytes(stream.lag_bytes)}</td>
                <td class={dropped(stream) > 0 ? "number failed-count" : "number"}>
                  {count(dropped(stream))}
                  {stream.dropped_reason && <span class="dim"> {visibleString(stream.dropped_reason)}</span>}
                </td>
                <td class="mono dim clip">{visibleString(stream.stream)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {streams.length === 0 && <Command text="plainview run -- uvicorn app:app" />}
    </section>
  );
}

function StreamState({ stream }: { stream: Stream }) {
  if (stream.degraded_since) {
    return (
      <span class="badge-error">
        <Icon name="warning" size={12} /> degraded for {ago(stream.degraded_since).replace(" ago", "")}
      </span>
    );
  }
  if (!stream.alive) return <span class="dim">ended</span>;
  return (
    <span class="alive">
      <i class="dot" /> {stream.remote ? "shipping from afar" : "alive"}
    </span>
  );
}

function Services() {
  const rows = serviceRows.value ?? [];
  if (rows.length === 0) return null;
  return (
    <section aria-label="Services">
      <h2>Services</h2>
      <table class="table">
        <thead>
          <tr>
            <th>Service</th>
            <th>Environments</th>
            <th class="number">Log lines</th>
            <th class="number">Spans</th>
            <th>Last seen</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.service}>
              <td>
                <Service name={row.service} />
              </td>
              <td>{row.environments.map((name) => visibleString(name)).join(", ")}</td>
              <td class="number">{count(row.logs)}</td>
              <td class="number">{count(row.spans)}</td>
              <td>{ago(row.last_seen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
