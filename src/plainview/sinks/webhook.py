"""Any HTTP receiver: log lines as NDJSON in the body of a POST (https://github.com/ndjson/ndjson-spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainview.sinks.batch import send_halving
from plainview.sinks.http import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainview.settings import Settings

__all__ = ["Webhook", "from_settings"]


def from_settings(settings: Settings) -> Webhook:
    """The sink that the setting ``webhook_url`` asks for."""
    return Webhook(settings.webhook_url)


class Webhook:
    """POSTs log lines as they are, uncompressed, to one URL.

    Args:
        url: http or https; ``user:password@`` in it becomes Basic authorization.
        timeout: seconds.
    """

    name = "webhook"
    kinds = frozenset({"log"})

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        # Not every receiver of a webhook can decompress.
        self._endpoint = Endpoint(url, content_type="application/x-ndjson", timeout=timeout, compress=False)

    def write(self, kind: str, lines: Sequence[bytes]) -> None:  # noqa: ARG002 - the interface's
        """Send the lines.

        Raises:
            Rejected: the receiver refused them for good.
            Unavailable: it cannot be reached or cannot take them now.
        """
        send_halving(self._send, lines)

    def close(self) -> None:
        """Close the connection."""
        self._endpoint.close()

    def _send(self, lines: Sequence[bytes]) -> None:
        self._endpoint.post(b"\n".join((*lines, b"")))
