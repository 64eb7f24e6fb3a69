"""Envelopes of Sentry's protocol, taken in by Plainview and by Bugsink on the same machine in the same run.

    python -m bench.sentry_ingest [FOLDER] [--events N] [--issues N]

Measured is the time from the first request until the last event is accepted, durable and belongs to an issue; then,
over as many issues, how long the list and the page of an issue take. Without Bugsink (no network) it says so and ends.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import random
import shutil
import statistics
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bench.receivers import Bugsink, Plainview, install

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from bench.receivers import Receiver

#: Programs that send at once; rounds of each kind, one receiver after the other; looks at each page.
_SENDERS, _ROUNDS, _LOOKS = 8, 3, 15
_WORDS: Final = (
    "order",
    "cart",
    "total",
    "price",
    "user",
    "stock",
    "charge",
    "invoice",
    "queue",
    "batch",
    "retry",
    "token",
)


def event(issue: int, chance: random.Random, *, large: bool) -> bytes:
    """An event as sentry-sdk makes it: 20 frames with source and variables; 50 KB, or what a small one has."""

    def text(words: int) -> str:
        return " ".join(f"{chance.choice(_WORDS)}{chance.randrange(100)}" for _ in range(words))

    frames = [
        {
            "filename": f"shop/part{n}.py",
            "abs_path": f"/srv/app/shop/part{n}.py",
            "module": f"shop.part{n}" if n < 19 else f"shop.work{issue}",
            "function": "step" if n < 19 else f"work_{issue}",
            "lineno": 10 + n,
            "in_app": True,
            "pre_context": [text(6) for _ in range(5)],
            "context_line": text(6),
            "post_context": [text(6) for _ in range(5)],
            "vars": {f"value_{i}": text(8) for i in range(10)} if large else {},
        }
        for n in range(20)
    ]
    raised = {
        "type": f"Error{issue % 40}",
        "module": "shop",
        "value": f"no stock for {_WORDS[issue % len(_WORDS)]}",
        "stacktrace": {"frames": frames},
        "mechanism": {"type": "generic", "handled": False},
    }
    crumbs = [
        {"type": "log", "category": "shop", "level": "info", "message": text(16), "timestamp": time.time()}
        for _ in range(60 if large else 5)
    ]
    return json.dumps(
        {
            "event_id": uuid.UUID(int=chance.getrandbits(128)).hex,
            "timestamp": time.time(),
            "platform": "python",
            "level": "error",
            "logger": "shop",
            "transaction": "/orders/{id}",
            "release": "shop@1.2.3",
            "environment": "production",
            "server_name": "host-1",
            "exception": {"values": [raised]},
            "breadcrumbs": {"values": crumbs},
            "tags": {"plan": "pro", "shard": str(issue % 8)},
            "user": {"id": str(chance.randrange(500))},
            "request": {"url": "http://shop/orders/1", "method": "POST", "headers": {"Host": "shop", "Accept": "*/*"}},
            "contexts": {"trace": {"trace_id": f"{chance.getrandbits(128):032x}", "span_id": "1" * 16}},
            "modules": {f"package-{n}": f"1.{n}.0" for n in range(80)},
            "sdk": {"name": "sentry.python", "version": "2.75.0"},
        }
    ).encode()


def envelopes(count: int, issues: int, seed: int, *, large: bool) -> list[bytes]:
    """Envelopes, packed as the SDK does."""
    chance = random.Random(seed)
    packed = []
    for n in range(count):
        payload = event(n % issues, chance, large=large)
        id_ = json.loads(payload)["event_id"]
        head = json.dumps({"event_id": id_, "sent_at": "2026-11-20T12:00:00Z"}).encode()
        item = json.dumps({"type": "event", "length": len(payload), "content_type": "application/json"}).encode()
        packed.append(gzip.compress(head + b"\n" + item + b"\n" + payload + b"\n", 6))
    return packed


def send(receiver: Receiver, bodies: list[bytes], patience: float) -> tuple[int, float]:
    """Send them all. Gives how many are grouped in the end, and the seconds until the last one was."""
    before = receiver.grouped()
    queue, lock = iter(bodies), threading.Lock()
    refused: list[int] = []
    started = time.perf_counter()

    def work() -> None:
        connection = http.client.HTTPConnection(urlsplit(receiver.url).netloc, timeout=60)
        headers = {
            "Content-Type": "application/x-sentry-envelope",
            "Content-Encoding": "gzip",
            "X-Sentry-Auth": f"Sentry sentry_key={receiver.key}, sentry_version=7, sentry_client=bench/1",
        }
        while time.perf_counter() - started < patience:
            with lock:
                body = next(queue, None)
            if body is None:
                break
            connection.request("POST", f"/api/{receiver.project}/envelope/", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                refused.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(_SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        print(f"{receiver.name}: {len(refused)} refused, with {sorted(set(refused))}")
    # Until the last: when none comes any more, it is what there is.
    done, last = receiver.grouped() - before, time.perf_counter()
    while done < len(bodies) and time.perf_counter() < min(last + 10, started + patience + 10):
        time.sleep(0.02)
        now = receiver.grouped() - before
        if now != done:
            done, last = now, time.perf_counter()
    return done, last - started


def rates(receivers: list[Receiver], counts: dict[str, int]) -> dict[str, float]:
    """Envelopes of 50 KB per second: the median of some rounds, one receiver after the other in each."""
    size = len(event(1, random.Random(1), large=True))
    print(f"envelopes of {size / 1000:.0f} KB, {_SENDERS} senders, 100 issues")
    found: dict[str, list[float]] = {receiver.name: [] for receiver in receivers}
    for number in range(_ROUNDS):
        for receiver in receivers:
            done, seconds = send(receiver, envelopes(counts[receiver.name], 100, number, large=True), 300)
            found[receiver.name].append(done / seconds)
            print(f"  {receiver.name:10} {done:6} grouped in {seconds:6.1f} s  {done / seconds:8.1f} /s", flush=True)
    return {name: statistics.median(those) for name, those in found.items()}


def looks(receivers: list[Receiver]) -> dict[str, dict[str, float]]:
    """Milliseconds (median) of the list and of an issue's page, as a browser asks for them."""
    found: dict[str, dict[str, float]] = {}
    for receiver in receivers:
        with receiver.client() as client:
            found[receiver.name] = {
                name: statistics.median(_timed(client, addresses)) for name, addresses in receiver.pages().items()
            }
    return found


def _timed(client: httpx.Client, addresses: list[str]) -> Iterator[float]:
    for _ in range(_LOOKS):
        started = time.perf_counter()
        for address in addresses:
            client.get(address).raise_for_status()
        yield (time.perf_counter() - started) * 1000


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where Bugsink's environment is kept")
    parser.add_argument("--events", type=int, default=300, help="envelopes of 50 KB in a round, for Bugsink; 0: none")
    parser.add_argument("--issues", type=int, default=10_000, help="issues for the list, each with one event; 0: none")
    parser.add_argument("--patience", type=float, default=600, help="seconds that either may take to get them")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.gettempdir()) / "plainview-bench-bugsink"
    try:
        programs = install(folder)
    except RuntimeError as error:
        print(f"skipped: {error}")
        return
    data = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    receivers: list[Receiver] = []
    try:
        receivers.append(Plainview(data / "plainview", 7391))
        receivers.append(Bugsink(data / "bugsink", 7392, programs))
        if given.events:
            ours, theirs = rates(receivers, {"plainview": 5 * given.events, "bugsink": given.events}).values()
            print(f"accepted, durable and grouped: {ours:.0f} /s, Bugsink {theirs:.1f} /s: {ours / theirs:.1f} times")
        if given.issues:
            bodies = envelopes(given.issues, given.issues, 99, large=False)
            for receiver in receivers:
                done, seconds = send(receiver, bodies, given.patience)
                print(f"{receiver.name}: {done} of {given.issues} new issues in {seconds:.0f} s", flush=True)
            found = looks(receivers)
            for page in ("list", "issue"):
                mine, other = (found[receiver.name][page] for receiver in receivers)
                print(f"{page}: {mine:.1f} ms, Bugsink {other:.1f} ms: {mine / other:.2f} of its time")
    finally:
        for receiver in receivers:
            receiver.close()
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
