"""Scrapes targets at their intervals, and says which are up."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from typing import TYPE_CHECKING, Final

from plainview.ingest.metrics.scrape import Failed, fetch, read, sampled
from plainview.ingest.metrics.written import encoded_lines
from plainview.store.samples import stale_marker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainview.ingest.inbox import Inbox
    from plainview.ingest.metrics.targets import Target
    from plainview.records import SampledSeries

__all__ = ["Scraper"]

_log = logging.getLogger(__name__)

#: What is told of each scrape: name, kind, unit, description.
_TOLD: Final = {
    "up": ("", "Whether the target could be scraped."),
    "scrape_duration_seconds": ("seconds", "How long the scrape took."),
    "scrape_samples_scraped": ("", "Samples that the target exposed."),
}


class Scraper:
    """Scrapes in the background, each target in a thread of its own.

    Args:
        targets: what is scraped.
        inbox: where the samples go; they are on the disk before the scrape counts.
        wake: called when there are new ones.
    """

    def __init__(self, targets: Sequence[Target], inbox: Inbox, wake: Callable[[], None]) -> None:
        self._inbox = inbox
        self._wake = wake
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._follow, args=(target,), name="plainview-scrape", daemon=True)
            for target in targets
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin no further scrape. One that waits for a slow target is not waited for: what it brings is dropped."""
        self._stopping.set()

    def _follow(self, target: Target) -> None:
        # Targets are scraped one after the other, not all at once, and each always at the same time.
        offset = zlib.crc32(target.url.encode()) / (1 << 32) * target.interval
        before: dict[frozenset[tuple[str, str]], dict[str, str]] = {}
        trouble = ""
        while not self._stopping.wait(target.interval - (time.time() - offset) % target.interval):
            try:
                before, now = self._scrape(target, before)
            except OSError as error:  # the disk is full: this scrape is lost
                now = str(error)
            except Exception:  # noqa: BLE001 - the next scrape is tried all the same; the log has what it was
                _log.exception("scraping %s failed", target.url)
                now = "unexpected"
            if now != trouble:
                _log.warning("%s: %s", target.url, now or "is up again")
                trouble = now

    def _scrape(
        self, target: Target, before: dict[frozenset[tuple[str, str]], dict[str, str]]
    ) -> tuple[dict[frozenset[tuple[str, str]], dict[str, str]], str]:
        """One scrape. Gives the series that there are now, and what went wrong."""
        moment, begun, trouble = time.time_ns() // 1_000_000, time.monotonic(), ""
        found: list[SampledSeries] = []
        try:
            text, kind = fetch(target)
            found = list(read(text, kind, target, moment))
        except Failed as error:
            trouble = str(error)
        took = time.monotonic() - begun
        present = {frozenset(one.labels.items()): one.labels for one in found}
        for key, labels in before.items():
            if key not in present:
                found.append(sampled(labels, moment, stale_marker()))
        values = {
            "up": 0.0 if trouble else 1.0,
            "scrape_duration_seconds": took,
            "scrape_samples_scraped": float(len(present)),
        }
        for name, (unit, description) in _TOLD.items():
            told = sampled({"__name__": name} | target.labels, moment, values[name])
            told.family, told.kind, told.unit, told.description = name, "gauge", unit, description
            found.append(told)
        if not self._stopping.is_set():
            self._inbox.land({"metric": list(encoded_lines(found))})
            self._wake()
        return present, trouble
