"""Records of a small made-up system, as lines for ``POST /v1/ingest``. What a test expects is counted from these."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

#: What people put into logs on purpose or by accident; all of it must stay text.
HOSTILE = (
    '<img src=x onerror="window.__hacked=1">',
    "<script>window.__hacked=1</script>",
    "\x1b[31mred\x1b[0m bell\x07",
    "first line\nsecond line",
    "mirrored \u202etxt.exe",
    "javascript:window.__hacked=1",
    "long " + "lorem ipsum " * 2000,
)

STACK = """Traceback (most recent call last):
  File "/srv/studio/books.py", line 52, in create
    session.commit()
  File "/usr/lib/python3.11/site-packages/sqlalchemy/engine.py", line 1967, in execute
    cursor.execute(statement)
sqlite3.OperationalError: database is locked"""


def at(moment: datetime) -> str:
    """A moment as the wire has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def log(moment: datetime, level: str, message: str, **fields: object) -> str:
    """A line of log."""
    service = {"service": "studio-api", "environment": "production", "host": "web-1", "pid": 41, "logger": "studio.api"}
    return json.dumps({"timestamp": at(moment), "level": level, "message": message, **service, **fields})


def span(trace: str, number: int, name: str, start: datetime, ms: float, **fields: object) -> str:
    """A line of span; ``number`` makes its id."""
    begin = round(start.timestamp() * 1e6) * 1000
    record = {
        "trace_id": trace,
        "span_id": f"{number:016x}",
        "name": name,
        "start_time_unix_nano": begin,
        "end_time_unix_nano": begin + round(ms * 1e6),
        "service": "studio-api",
        "environment": "production",
        **fields,
    }
    return json.dumps(record)


class Studio:
    """Half an hour of a content studio, ending now."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)
        self.lines: list[str] = []
        #: Level → number of lines.
        self.levels: dict[str, int] = {}
        self.checkout = "a" * 31 + "1"
        self.slow = "a" * 31 + "2"
        self.request = "req-checkout-1"
        self._heartbeats()
        self._checkout()
        self._slow()
        self._failures()
        self._hostile()

    def _log(self, ago: float, level: str, message: str, **fields: object) -> None:
        """A line so many seconds ago."""
        self.levels[level] = self.levels.get(level, 0) + 1
        self.lines.append(log(self.now - timedelta(seconds=ago), level, message, **fields))

    @property
    def total(self) -> int:
        """Lines of log."""
        return sum(self.levels.values())

    def _heartbeats(self) -> None:
        """300 lines from the worker and 150 from the API, evenly over half an hour."""
        for number in range(300):
            worker = {"service": "studio-worker", "host": "worker-1", "pid": 52, "logger": "studio.worker"}
            self._log(1790 - number * 5.9, "DEBUG", f"heartbeat {number}", extra={"queue": number % 7}, **worker)
        for number in range(150):
            fields = {"environment": "staging"} if number % 3 == 0 else {}
            extra = {"entries": number, "region": "north" if number % 2 else "south"}
            self._log(1795 - number * 11.8, "INFO", f"cache refreshed: {number} entries", extra=extra, **fields)

    def _checkout(self) -> None:
        """One request that goes through three services, and asks the database 48 times."""
        start = self.now - timedelta(seconds=120)
        context = {"request_id": self.request}
        http = {"http.request.method": "POST", "http.route": "/checkout", "http.response.status_code": 500}
        stack = {"exception.type": "OperationalError", "exception.message": "locked", "exception.stacktrace": STACK}
        event = {
            "name": "exception",
            "time_unix_nano": round((start.timestamp() + 0.39) * 1e9),
            "attributes": stack,
        }
        failed = {"kind": "SERVER", "status": "ERROR", "status_message": "database is locked"}
        root = {"attributes": http, "events": [event], **failed, **context}
        self.lines.append(span(self.checkout, 1, "POST /checkout", start, 400, **root))
        for number in range(48):
            query = {
                "parent_span_id": f"{1:016x}",
                "kind": "CLIENT",
                "attributes": {"db.query.text": f"SELECT {number}"},
            }
            begin = start + timedelta(milliseconds=5 + number * 4)
            self.lines.append(span(self.checkout, 10 + number, "SELECT carts", begin, 3, **query, **context))
        pay = {"parent_span_id": f"{1:016x}", "kind": "CLIENT"}
        begin = start + timedelta(milliseconds=210)
        self.lines.append(span(self.checkout, 100, "POST /charge", begin, 150, **pay, **context))
        served = {"parent_span_id": f"{100:016x}", "kind": "SERVER", "service": "llm-provider"}
        self.lines.append(
            span(self.checkout, 101, "charge", begin + timedelta(milliseconds=5), 140, **served, **context)
        )
        ids = {"trace_id": self.checkout, "span_id": f"{1:016x}", **context}
        self._log(119.98, "INFO", "checkout begun", extra={"cart": "c-17", "items": 3}, **ids)
        exception = {
            "type": "OperationalError",
            "message": "database is locked",
            "stack_trace": STACK,
            "fingerprint": "f00",
        }
        self._log(119.61, "ERROR", "checkout failed", exception=exception, duration_ms=400.25, **ids)

    def _slow(self) -> None:
        """A trace of four seconds, and 20 quick ones."""
        start = self.now - timedelta(seconds=300)
        root = {"kind": "SERVER", "attributes": {"http.route": "/report"}}
        self.lines.append(span(self.slow, 1, "GET /report", start, 4000, **root))
        for number in range(20):
            trace = f"b{number:031x}"
            begin = self.now - timedelta(seconds=400 + number * 60)
            self.lines.append(span(trace, 1, "GET /books/{id}", begin, 10 + number, kind="SERVER"))

    def _failures(self) -> None:
        for number in range(7):
            self._log(600 + number, "WARNING", f"slow answer: {1500 + number} ms", duration_ms=1500.0 + number)
        self._log(610, "CRITICAL", "job moved to the dead-letter queue", service="studio-worker", job_id="job-9")

    def _hostile(self) -> None:
        for number, text in enumerate(HOSTILE):
            extra = {"input": text, text[:40]: "as a name"}
            self._log(700 + number, "INFO", text, logger="studio.hostile", extra=extra)
