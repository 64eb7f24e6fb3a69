/**
 * Writes the telemetry of a made-up content studio as NDJSON: `studio-api` takes requests, `studio-worker` runs
 * jobs, `llm-provider` answers prompts, slowly and not always. The same seed and end give the same records.
 *
 *   node dev/sample.mjs --logs 20000 --minutes 60 |
 *     curl -H "Content-Type: application/x-ndjson" --data-binary @- http://127.0.0.1:7070/v1/ingest
 *
 * --logs N (at least so many log lines), --minutes N (spread over), --end RFC3339 (default: now), --seed N,
 * --big N (a last trace of N spans), --quiet (log lines without spans: fast bulk).
 */

import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const TITLES = [
  "The Tin Orchard",
  "Nine Quiet Rivers",
  "A Field Guide to Fog",
  "Salt & Signal",
  "Übermorgen",
  "Čtyři mosty",
];
const USERS = ["usr_ada", "usr_grace", "usr_edsger", "usr_barbara", "usr_ken"];
const STAGES = ["outline", "draft", "illustrate", "review"];

/** What people put into logs on purpose or by accident; all of it must stay text. */
export const HOSTILE = [
  '<img src=x onerror="window.__hacked=1"> in the title',
  "\u001b[31mred alert\u001b[0m and a bell \u0007",
  "two lines:\nsecond line\r\n\tand a tab",
  "<script>window.__hacked=1</script>",
  "right-to-left \u202Egnp.exe\u202C and zero\u200Bwidth",
  `a very long value ${"lorem ipsum ".repeat(400)}`,
];

const TIMEOUT_STACK = `Traceback (most recent call last):
  File "/srv/studio/worker/stages.py", line 88, in run_stage
    text = await provider.complete(prompt, timeout=settings.llm_timeout)
  File "/srv/studio/llm/client.py", line 41, in complete
    response = await self._http.post("/v1/complete", json=body, timeout=timeout)
  File "/usr/lib/python3.11/site-packages/httpx/_client.py", line 1859, in post
    return await self.request("POST", url, json=json, timeout=timeout)
  File "/usr/lib/python3.11/site-packages/httpx/_transports/default.py", line 118, in map_httpcore_exceptions
    raise mapped_exc(message) from exc
httpx.ReadTimeout: no answer within 30.0 s`;

const LOCKED_STACK = `Traceback (most recent call last):
  File "/srv/studio/api/books.py", line 52, in create_book
    session.commit()
  File "/usr/lib/python3.11/site-packages/sqlalchemy/engine/base.py", line 1967, in _exec_single_context
    self.dialect.do_execute(cursor, str_statement, effective_parameters, context)
sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) database is locked`;

/** A small seeded generator (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const SERVICES = {
  "studio-api": { service: "studio-api", version: "1.4.2", host: "web-1", pid: 4101 },
  "studio-worker": { service: "studio-worker", version: "1.4.2", host: "worker-1", pid: 5207 },
  "llm-provider": { service: "llm-provider", version: "0.9.0", host: "llm-1", pid: 612 },
};

/** One run of the generator: `lines` collects what it writes. */
export class Studio {
  constructor(seed = 7) {
    this.random = random(seed);
    this.lines = [];
    this.logs = 0;
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  hex(length) {
    let text = "";
    while (text.length < length) text += Math.floor(this.random() * 16).toString(16);
    return text;
  }

  /** Milliseconds around a typical value, with a long tail. */
  about(ms) {
    return ms * Math.exp((this.random() + this.random() + this.random() - 1.5) * 1.1);
  }

  log(at, level, message, fields = {}) {
    const { service = "studio-api", logger, source, ...rest } = fields;
    const environment = rest.environment ?? "production";
    this.lines.push(
      JSON.stringify({
        timestamp: micro(at),
        level,
        logger: logger ?? service.replace("-", "."),
        message,
        ...SERVICES[service],
        environment,
        ...rest,
        ...(source ? { source } : {}),
      }),
    );
    this.logs += 1;
  }

  /** Writes a span that lasts from `start` for `ms`; `body(context)` writes what happens inside. */
  span(parent, service, name, kind, start, ms, fields = {}) {
    const { status = "UNSET", attributes = {}, events = [], ...rest } = fields;
    const span = {
      trace_id: parent?.trace_id ?? this.hex(32),
      span_id: this.hex(16),
      ...(parent ? { parent_span_id: parent.span_id } : {}),
      name,
      kind,
      status,
      start_time_unix_nano: nano(start),
      end_time_unix_nano: nano(start + ms),
      scope: `plainview.${kind.toLowerCase()}`,
      ...SERVICES[service],
      environment: "production",
      attributes,
      ...(events.length ? { events } : {}),
      ...(parent?.request_id ? { request_id: parent.request_id } : {}),
      ...(parent?.job_id ? { job_id: parent.job_id } : {}),
      ...(parent?.user_id ? { user_id: parent.user_id } : {}),
      ...rest,
    };
    this.lines.push(JSON.stringify(span).replace(/"(\d+)n"/g, "$1"));
    const { request_id, job_id, user_id } = span;
    return { trace_id: span.trace_id, span_id: span.span_id, request_id, job_id, user_id };
  }

  sql(parent, service, at, statement, ms) {
    const [verb, table] = [statement.split(" ")[0], /(?:FROM|INTO|UPDATE) (\w+)/.exec(statement)?.[1] ?? ""];
    return this.span(parent, service, `${verb} ${table}`, "CLIENT", at, ms, {
      attributes: {
        "db.system.name": "sqlite",
        "db.operation.name": verb,
        "db.collection.name": table,
        "db.query.text": statement,
      },
    });
  }

  /** One HTTP request to the API: a span and its lines; `inside(context, start)` gives the ms it took. */
  request(at, method, route, path, inside, status = 200) {
    const context = {
      trace_id: this.hex(32),
      span_id: this.hex(16),
      request_id: `req-${this.hex(12)}`,
      user_id: this.pick(USERS),
    };
    const ms = inside(context, at + 0.4) + 0.9;
    const failed = status >= 500;
    const attributes = {
      "http.request.method": method,
      "http.route": route,
      "url.path": path,
      "http.response.status_code": status,
      "server.address": "studio.local",
      "user_agent.original": "Mozilla/5.0",
    };
    const events = failed
      ? [
          {
            name: "exception",
            time_unix_nano: nano(at + ms - 0.3),
            attributes: { "exception.type": "OperationalError", "exception.message": "database is locked" },
          },
        ]
      : [];
    this.span(undefined, "studio-api", `${method} ${route}`, "SERVER", at, ms, {
      ...context,
      status: failed ? "ERROR" : "UNSET",
      ...(failed ? { status_message: "database is locked" } : {}),
      attributes,
      events,
    });
    const level = failed ? "ERROR" : status >= 400 ? "WARNING" : "INFO";
    this.log(at + ms, level, failed ? "request failed" : "request completed", {
      ...context,
      logger: "plainview.http",
      duration_ms: round(ms),
      extra: {
        method,
        route,
        path,
        status,
        request_bytes: Math.floor(this.random() * 900),
        response_bytes: Math.floor(this.random() * 9000),
      },
      ...(failed
        ? {
            exception: {
              type: "OperationalError",
              message: "database is locked",
              stack_trace: LOCKED_STACK,
              fingerprint: "9f3ac1d2",
            },
          }
        : {}),
    });
    return context;
  }

  getBook(at) {
    const id = Math.floor(this.random() * 900);
    const missing = this.random() < 0.06;
    this.request(
      at,
      "GET",
      "/books/{id}",
      `/books/${id}`,
      (context, start) => {
        const ms = this.about(2);
        this.sql(context, "studio-api", start + 0.3, "SELECT id, title, state FROM books WHERE id = ?", ms);
        if (missing)
          this.log(start + ms + 0.4, "WARNING", `book ${id} not found`, {
            ...context,
            logger: "studio.api.books",
            extra: { book_id: id },
          });
        return ms + 1;
      },
      missing ? 404 : 200,
    );
  }

  /** The classic: one query for the list, one more for each row. */
  listBooks(at) {
    this.request(at, "GET", "/books", "/books", (context, start) => {
      let ms = this.about(3);
      this.sql(context, "studio-api", start, "SELECT id FROM books ORDER BY created DESC LIMIT 48", ms);
      for (let row = 0; row < 48; row += 1) {
        const each = this.about(0.6);
        this.sql(context, "studio-api", start + ms, "SELECT name FROM authors WHERE id = ?", each);
        ms += each + 0.05;
      }
      this.log(start + ms, "DEBUG", `listed 48 books in ${ms.toFixed(1)} ms`, {
        ...context,
        logger: "studio.api.books",
        extra: { rows: 48, page: 1 },
      });
      return ms;
    });
  }

  createBook(at) {
    const title = this.random() < 0.05 ? this.pick(HOSTILE) : this.pick(TITLES);
    const locked = this.random() < 0.04;
    let context;
    this.request(
      at,
      "POST",
      "/books",
      "/books",
      (given, start) => {
        context = given;
        const ms = locked ? 5002 : this.about(6);
        this.sql(context, "studio-api", start + 1, "INSERT INTO books (title, state) VALUES (?, ?)", ms);
        if (!locked)
          this.log(start + ms + 2, "INFO", "book created", {
            ...context,
            logger: "studio.api.books",
            extra: { title, book_id: Math.floor(this.random() * 900) },
            source: { file: "/srv/studio/api/books.py", function: "create_book", line: 47 },
          });
        return ms + 3;
      },
      locked ? 500 : 201,
    );
    if (!locked) this.job(at + 40, context, title);
  }

  /** A book is written: stages, each of some prompts over HTTP and some queries. */
  job(at, parent, title) {
    const context = {
      ...parent,
      span_id: this.hex(16),
      job_id: `job-${this.hex(8)}`,
      batch_id: "batch-0192",
    };
    const line = (when, level, message, extra, more = {}) =>
      this.log(when, level, message, {
        service: "studio-worker",
        logger: "studio.worker.jobs",
        ...context,
        extra,
        ...more,
      });
    line(at, "INFO", `job started: generate book "${title.slice(0, 40)}"`, { title });
    let now = at + 3;
    let failed = false;
    for (const [step, stage] of STAGES.entries()) {
      const inner = { ...context, span_id: this.hex(16) };
      const began = now;
      const chapters = 1 + Math.floor(this.random() * 6);
      for (let chapter = 1; chapter <= chapters && !failed; chapter += 1) {
        const late = this.random() < 0.002;
        const ms = late ? 30_000 : this.about(900);
        const call = this.span(inner, "studio-worker", "POST /v1/complete", "CLIENT", now, ms, {
          status: late ? "ERROR" : "UNSET",
          attributes: {
            "http.request.method": "POST",
            "url.full": "http://llm.local/v1/complete",
            "gen_ai.request.model": "quill-2",
            "gen_ai.usage.output_tokens": Math.floor(this.about(700)),
          },
        });
        if (!late) {
          const served = this.span(call, "llm-provider", "POST /v1/complete", "SERVER", now + 4, ms - 8, {
            attributes: { "http.route": "/v1/complete", "http.response.status_code": 200 },
          });
          this.span(served, "llm-provider", "queue", "INTERNAL", now + 5, (ms - 8) * 0.2);
          this.span(
            served,
            "llm-provider",
            "generate",
            "INTERNAL",
            now + 5 + (ms - 8) * 0.2,
            (ms - 8) * 0.78,
            { attributes: { "gen_ai.response.model": "quill-2", stage } },
          );
          this.log(
            now + ms - 5,
            "INFO",
            `completed prompt for ${stage}, ${Math.floor(this.about(700))} tokens`,
            { service: "llm-provider", ...served, extra: { stage, chapter, model: "quill-2" } },
          );
        }
        now += ms + 1;
        const rows = 3 + Math.floor(this.random() * 6);
        for (let row = 0; row < rows; row += 1) {
          const each = this.about(0.8);
          this.sql(inner, "studio-worker", now, "INSERT INTO paragraphs (book_id, body) VALUES (?, ?)", each);
          now += each;
        }
        if (late) {
          failed = true;
          line(
            now,
            "ERROR",
            `stage ${stage} failed: no answer within 30.0 s`,
            { stage, attempt: 3, chapter },
            {
              span_id: inner.span_id,
              exception: {
                type: "ReadTimeout",
                message: "no answer within 30.0 s",
                stack_trace: TIMEOUT_STACK,
                fingerprint: "c41d77aa",
              },
            },
          );
        } else if (ms > 1500 && this.random() < 0.6) {
          line(
            now,
            "WARNING",
            `slow answer from llm-provider: ${Math.round(ms)} ms`,
            { stage, chapter, threshold_ms: 1500 },
            { span_id: inner.span_id, duration_ms: round(ms) },
          );
        } else {
          line(
            now,
            "DEBUG",
            `chapter ${chapter} of ${chapters} done`,
            { stage, chapter, progress: Math.round((100 * chapter) / chapters) },
            { span_id: inner.span_id },
          );
        }
      }
      this.span(context, "studio-worker", `stage ${stage}`, "INTERNAL", began, now - began, {
        span_id: inner.span_id,
        status: failed ? "ERROR" : "UNSET",
        attributes: { stage, step, chapters },
      });
      if (failed) break;
      line(
        now,
        "INFO",
        `stage ${stage} completed`,
        { stage, step, chapters },
        { duration_ms: round(now - began), span_id: inner.span_id },
      );
      now += 2;
    }
    if (failed) line(now + 1, "CRITICAL", "job moved to the dead-letter queue", { attempts: 3, title });
    else line(now + 1, "INFO", "job completed", { title }, { duration_ms: round(now - at) });
    this.span(parent, "studio-worker", "job generate_book", "CONSUMER", at, now - at + 2, {
      ...context,
      parent_span_id: parent.span_id,
      status: failed ? "ERROR" : "UNSET",
      attributes: { "job.type": "generate_book", title },
    });
  }

  housekeeping(at) {
    const kind = this.random();
    if (kind < 0.4)
      this.log(at, "DEBUG", `heartbeat ${Math.floor(this.random() * 1e6)}`, {
        service: "studio-worker",
        logger: "studio.worker.heartbeat",
        extra: { queue: Math.floor(this.random() * 20) },
      });
    else if (kind < 0.7)
      this.log(at, "INFO", `cache refreshed: ${Math.floor(this.random() * 500)} entries`, {
        logger: "studio.api.cache",
        duration_ms: round(this.about(12)),
      });
    else if (kind < 0.9)
      this.log(
        at,
        "DEBUG",
        `connection to 10.0.${Math.floor(this.random() * 9)}.${Math.floor(this.random() * 250)}:5432 reused`,
        { logger: "sqlalchemy.pool", environment: "staging" },
      );
    else if (kind < 0.97)
      this.log(at, "WARNING", `disk 8${Math.floor(this.random() * 9)} % full on /data`, {
        service: "studio-worker",
        logger: "studio.worker.disk",
        extra: { path: "/data" },
      });
    else
      this.log(at, "INFO", this.pick(HOSTILE), {
        logger: "studio.api.import",
        extra: { "user input": this.pick(HOSTILE), nested: { deep: [1, { html: "<b>bold</b>" }] } },
      });
  }

  /** One trace of many spans, to try the waterfall with. */
  big(at, spans) {
    this.request(at, "POST", "/imports", "/imports", (context, start) => {
      let now = start;
      for (let made = 1; made < spans;) {
        const batch = { ...context, span_id: this.hex(16) };
        const began = now;
        for (let item = 0; item < 24 && made < spans - 1; item += 1, made += 1) {
          const each = this.about(1.5);
          this.sql(
            batch,
            "studio-api",
            now,
            item % 3 ? "SELECT id FROM books WHERE isbn = ?" : "UPDATE books SET state = ?",
            each,
          );
          now += each;
        }
        this.span(context, "studio-api", `import batch ${made}`, "INTERNAL", began, now - began, {
          span_id: batch.span_id,
        });
        made += 1;
      }
      return now - start;
    });
  }
}

function micro(ms) {
  const micros = Math.round(ms * 1000);
  return `${new Date(Math.floor(micros / 1e6) * 1000).toISOString().slice(0, 19)}.${String(micros % 1e6).padStart(6, "0")}Z`;
}

// Nanoseconds do not fit a double: they pass JSON.stringify as text and lose their quotes afterwards.
function nano(ms) {
  return `${BigInt(Math.round(ms * 1000)) * 1000n}n`;
}

function round(ms) {
  return Math.round(ms * 1000) / 1000;
}

/** Runs the studio up to `end` and gives the lines away in pieces. */
export function* sample({
  logs = 5000,
  minutes = 60,
  end = Date.now(),
  seed = 7,
  big = 0,
  quiet = false,
} = {}) {
  const studio = new Studio(seed);
  const start = end - minutes * 60_000;
  const perVisit = quiet ? 1 : 9.2;
  const visits = Math.ceil(logs / perVisit);
  for (let visit = 0; studio.logs < logs; visit += 1) {
    // A wave over the hour, so that the histogram has a shape; late visits fill what is missing.
    const share = Math.min(0.995, (visit + studio.random()) / visits);
    const at = start + (end - start) * (share + 0.04 * Math.sin(share * 19) * (1 - share));
    const kind = quiet ? 1 : studio.random();
    if (kind < 0.3) studio.getBook(at);
    else if (kind < 0.36) studio.listBooks(at);
    else if (kind < 0.62 && at < end - 60_000)
      studio.createBook(at); // a job takes up to a minute
    else studio.housekeeping(at);
    if (studio.lines.length > 4000) yield studio.lines.splice(0);
  }
  if (big > 0) studio.big(end - 90_000, big);
  yield studio.lines;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const text = { type: "string" };
  const { values } = parseArgs({
    options: { logs: text, minutes: text, end: text, seed: text, big: text, quiet: { type: "boolean" } },
  });
  const given = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      name === "end" ? Date.parse(value) : name === "quiet" ? value : Number(value),
    ]),
  );
  for (const lines of sample(given)) {
    if (!process.stdout.write(`${lines.join("\n")}\n`))
      await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
}
