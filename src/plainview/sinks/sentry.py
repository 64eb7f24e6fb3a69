"""Sentry, or whatever speaks its protocol: errors as events, by its envelopes.

Sources: https://develop.sentry.dev/sdk/foundations/envelopes/ and …/expected-features/rate-limiting/.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from plainview.sinks.http import Endpoint
from plainview.sinks.interface import Rejected, Unavailable
from plainview.sinks.sentry_event import event_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainview.settings import Settings

__all__ = ["Sentry", "from_settings"]

_CLIENT: Final = "plainview/1"
_TYPE: Final = "application/x-sentry-envelope"
_NO_DSN: Final = "PLAINVIEW_SENTRY_DSN is no DSN such as https://key@sentry.example/1"
#: Events that were sent and whose batch may come again.
_MAX_SENT: Final = 10_000


def from_settings(settings: Settings) -> Sentry:
    """The sink that the setting ``sentry_dsn`` asks for."""
    return Sentry(settings.sentry_dsn)


class Sentry:
    """Sends each error as an event in an envelope of its own.

    Args:
        dsn: as Sentry shows it: ``https://<key>@<host>/<project>``. Its key is sent to that host and told nobody else.
        timeout: seconds.

    Raises:
        ValueError: the DSN is none; the message does not repeat it.
    """

    name = "sentry"
    kinds = frozenset({"error"})

    def __init__(self, dsn: str, *, timeout: float = 10.0) -> None:
        parts = urlsplit(dsn.strip())
        path, _, project = parts.path.rpartition("/")
        if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.username or not project:
            raise ValueError(_NO_DSN)
        try:
            _ = parts.port
        except ValueError:
            raise ValueError(_NO_DSN) from None
        key = f"sentry_key={parts.username}" + (f", sentry_secret={parts.password}" if parts.password else "")
        host = parts.netloc.rpartition("@")[2]
        self._endpoint: Final = Endpoint(
            f"{parts.scheme}://{host}{path}/api/{project}/envelope/",
            content_type=_TYPE,
            headers={"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client={_CLIENT}, {key}"},
            timeout=timeout,
        )
        self._encode: Final = msgspec.json.Encoder().encode
        self._closed_until = 0.0
        self._sent: dict[str, None] = {}

    def write(self, kind: str, lines: Sequence[bytes]) -> None:  # noqa: ARG002 - the interface's
        """Send the lines. Those of a batch that were sent before the receiver had enough are not sent again.

        Raises:
            Rejected: events that were refused for good, counted; the others were sent.
            Unavailable: the receiver cannot be reached, or wants to be left alone for a while.
        """
        refused, reason = 0, ""
        for line in lines:
            try:
                event = event_of(line)
                if event["event_id"] not in self._sent:
                    self._send(event)
            except msgspec.DecodeError as error:
                refused, reason = refused + 1, str(error)
            except Rejected as error:
                refused, reason = refused + 1, str(error)
        if refused:
            raise Rejected(reason, refused)

    def close(self) -> None:
        """Close the connection."""
        self._endpoint.close()

    def _send(self, event: dict[str, object]) -> None:
        left = self._closed_until - time.monotonic()
        if left > 0:
            msg = f"{self._endpoint.shown}: asked to be left alone"
            raise Unavailable(msg, left)
        event_id = str(event["event_id"])
        payload = self._encode(event)
        head = self._encode({"event_id": event_id, "sent_at": datetime.now(UTC).isoformat()})
        item = self._encode({"type": "event", "length": len(payload), "content_type": "application/json"})
        try:
            self._endpoint.post(b"\n".join((head, item, payload, b"")))
        except Unavailable as error:
            pause = self._limit() or error.retry_after
            if pause is None:
                raise
            raise Unavailable(str(error), pause) from error
        finally:
            self._closed_until = time.monotonic() + (self._limit() or 0.0)
        if len(self._sent) >= _MAX_SENT:
            for old in list(self._sent)[: _MAX_SENT // 2]:
                del self._sent[old]
        self._sent[event_id] = None

    def _limit(self) -> float | None:
        """How long errors are not wanted, as the last answer says, seconds: it may do so with a success, too."""
        longest = None
        for limit in self._endpoint.answered.get("x-sentry-rate-limits", "").split(","):
            seconds, _, rest = limit.strip().partition(":")
            categories = [name for name in rest.partition(":")[0].split(";") if name]
            if seconds.isdecimal() and (not categories or "error" in categories):
                longest = max(longest or 0.0, float(seconds))
        return longest
