"""Programs that use Sentry's SDK as its documentation has it. Of Plainview they know a DSN, and nothing else.

Each prints as JSON what the SDK handed to its transport: so many of each type, and the ids of the events.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

#: Counts what leaves the SDK, without changing it.
BEGIN = """
import atexit, json, sys
import sentry_sdk
from sentry_sdk.transport import HttpTransport

sent = {"items": {}, "events": []}

class Counting(HttpTransport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            n = (item.headers or {}).get("item_count", 1) if item.headers.get("type") == "log" else 1
            kind = item.headers.get("type")
            sent["items"][kind] = sent["items"].get(kind, 0) + n
            if kind == "event":
                sent["events"].append(item.payload.json["event_id"])
        super().capture_envelope(envelope)

sentry_sdk.init(
    dsn=sys.argv[1], transport=Counting, release="shop@1.4.0", environment="staging", traces_sample_rate=1.0,
    enable_logs=True, send_default_pii=True, attach_stacktrace=True, shutdown_timeout=10,
)
atexit.register(lambda: print("SENT " + json.dumps(sent)))  # before the SDK's own, which flushes: see END
"""
END = """
sentry_sdk.flush(10)
"""

SCRIPT = """
import logging
sentry_sdk.set_tag("plan", "pro")
sentry_sdk.set_user({"id": "u-7", "email": "ada@example.org"})
sentry_sdk.add_breadcrumb(category="cart", message="3 items", level="info")

def charge(card):
    amount = 12
    raise ValueError(f"card {card} was declined")

try:
    try:
        charge("4711")
    except ValueError as error:
        raise RuntimeError("order failed") from error
except RuntimeError:
    sentry_sdk.capture_exception()
try:
    raise ExceptionGroup("two", [KeyError("a"), OSError("b")])
except ExceptionGroup:
    sentry_sdk.capture_exception()
sentry_sdk.capture_message("the shop is open", level="warning")
logging.getLogger("shop.stock").error("out of stock", extra={"item": "book"})
with sentry_sdk.start_transaction(op="task", name="nightly"):
    with sentry_sdk.start_span(op="db.query", name="SELECT orders"):
        pass
    with sentry_sdk.start_span(op="http.client", name="GET /rates"):
        pass
sentry_sdk.logger.info("stock counted: {n}", n=42)
sentry_sdk.logger.error("stock is wrong")
for n in range(250):
    sentry_sdk.logger.debug("line {n}", n=n)
"""

API = """
from fastapi import FastAPI
from fastapi.testclient import TestClient

app = FastAPI()

@app.get("/books/{number}")
def book(number: int):
    return {"number": number, "price": 1 / number}

client = TestClient(app, raise_server_exceptions=False)
for number in (1, 2, 0, 3, 0):
    client.get(f"/books/{number}")
"""

CELERY = """
from celery import Celery
from sentry_sdk.integrations.celery import CeleryIntegration

app = Celery("tasks", broker="memory://", backend="cache+memory://")
app.conf.task_always_eager = False

@app.task(name="shop.bill")
def bill(order):
    if order == 2:
        raise LookupError(f"order {order} is gone")

import celery.contrib.testing.worker as testing
import celery.contrib.testing.tasks
with testing.start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=10):
    results = [bill.delay(order) for order in range(4)]
    for result in results:
        result.get(timeout=10, propagate=False)
"""


def run(program: str, dsn: str, directory: Path) -> dict[str, Any]:
    """Run a program to its end, and give what it sent."""
    path = directory / "program.py"
    path.write_text(BEGIN + textwrap.dedent(program) + END)
    done = subprocess.run(
        [sys.executable, str(path), dsn], capture_output=True, text=True, timeout=120, check=False, cwd=directory
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SENT ")]
    assert lines, done.stderr
    return json.loads(lines[-1].removeprefix("SENT "))
