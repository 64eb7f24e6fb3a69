"""Loki: log lines by its push API (https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from plainview.sinks.batch import send_halving
from plainview.sinks.http import Endpoint
from plainview.sinks.time import unix_nanoseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainview.settings import Settings

__all__ = ["Loki", "from_settings"]

_PATH: Final = "/loki/api/v1/push"


class _Labelled(msgspec.Struct):
    # What is read of a line. Only these become labels: each further label multiplies Loki's streams.
    timestamp: str = ""
    service: str = ""
    environment: str = ""
    level: str = ""


def from_settings(settings: Settings) -> Loki:
    """The sink that the setting ``loki_url`` asks for."""
    return Loki(settings.loki_url)


class Loki:
    """Pushes log lines as they are, labelled ``service``, ``environment`` and ``level``.

    Args:
        url: Loki's address, e.g. ``http://localhost:3100``, or the whole URL of its push API;
            ``user:password@`` in it becomes Basic authorization.
        timeout: seconds.
    """

    name = "loki"
    kinds = frozenset({"log"})

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        whole = url if url.rstrip("/").endswith("/push") else url.rstrip("/") + _PATH
        self._endpoint = Endpoint(whole, content_type="application/json", timeout=timeout)
        self._decode = msgspec.json.Decoder(_Labelled).decode

    def write(self, kind: str, lines: Sequence[bytes]) -> None:  # noqa: ARG002 - the interface's
        """Send the lines.

        Raises:
            Rejected: Loki refused them for good (too old, a limit, not authorized).
            Unavailable: it cannot be reached or cannot take them now.
        """
        send_halving(self._send, lines)

    def close(self) -> None:
        """Close the connection."""
        self._endpoint.close()

    def _send(self, lines: Sequence[bytes]) -> None:
        streams: dict[tuple[tuple[str, str], ...], list[tuple[str, str]]] = defaultdict(list)
        for line in lines:
            record = self._decode(line)
            labels = (("service", record.service), ("environment", record.environment), ("level", record.level))
            named = tuple((name, value) for name, value in labels if value) or (("service", "unknown"),)
            streams[named].append((str(unix_nanoseconds(record.timestamp)), line.decode(errors="replace")))
        body = {"streams": [{"stream": dict(labels), "values": values} for labels, values in streams.items()]}
        self._endpoint.post(msgspec.json.encode(body))
