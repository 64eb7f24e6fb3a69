"""What is answered over HTTP by a process that is captured: ``/metrics``, and that it lives."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING, Final

from plainview.capture.metrics.scrape import families
from plainview.capture.runtime import runtime
from plainview.exposition import negotiate, render

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Looks a request header up by its name.
    Header = Callable[[str], str | None]
    #: Status, headers without the length, body.
    Answer = tuple[int, list[tuple[str, str]], bytes]

__all__ = ["live", "metrics"]

_PLAIN: Final = ("Content-Type", "text/plain; charset=utf-8")
#: Shorter bodies are not worth the packing.
_SHORT: Final = 1024

_began: Final = time.monotonic()


def metrics(header: Header) -> Answer:
    """The metrics of all processes of this service on this machine. It does not raise."""
    try:
        watch = runtime().watching()
        if watch is not None:
            watch.look()
        kind = negotiate(header("accept") or "")
        body = render(families(), kind)
        headers = [("Content-Type", kind), ("Vary", "Accept, Accept-Encoding"), ("Cache-Control", "no-store")]
        if len(body) > _SHORT and _takes_gzip(header("accept-encoding") or ""):
            body = gzip.compress(body, 1)
            headers.append(("Content-Encoding", "gzip"))
    except Exception as error:  # noqa: BLE001 - never into the application; whoever asks is told
        runtime().recorder.spool.failed(error)
        return 500, [_PLAIN], b"the metrics could not be gathered\n"
    else:
        return 200, headers, body


def live(_header: Header) -> Answer:
    """That the process lives."""
    body = b'{"status":"healthy","uptime_seconds":%d}\n' % (time.monotonic() - _began)
    return 200, [("Content-Type", "application/json"), ("Cache-Control", "no-store")], body


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if coding == "gzip":
            return not any(parameter.replace(" ", "") in _REFUSALS for parameter in parameters)
    return False


_REFUSALS: Final = frozenset({"q=0", "q=0.0", "q=0.00", "q=0.000"})
