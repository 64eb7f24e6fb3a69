"""Sentry's SDK, started with its defaults. Events go to a file: a transport that is nearer than any server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.contenders import Errors, lines
from bench.workload import SERVICE, fail

if TYPE_CHECKING:
    from pathlib import Path

START = "import sentry_sdk; sentry_sdk.init(dsn='http://public@127.0.0.1:9/1')"
FIRST = "sentry_sdk.add_breadcrumb(message='ready', data={'step': 1})"


def errors(folder: Path, **options: Any) -> Errors:  # noqa: ANN401 - as init's own
    import sentry_sdk
    from sentry_sdk.transport import Transport

    file = folder / "events.ndjson"
    stream = file.open("wb", buffering=0)

    class Local(Transport):
        """Writes each event to the file before the call that made it returns."""

        def capture_envelope(self, envelope: Any) -> None:  # noqa: ANN401 - sentry_sdk.envelope.Envelope
            """See the interface."""
            stream.write(b"".join(item.payload.get_bytes() for item in envelope.items) + b"\n")

    sentry_sdk.init(dsn="http://public@127.0.0.1:9/1", transport=Local, release="1.0", server_name=SERVICE, **options)

    def capture(count: int) -> None:
        for number in range(count):
            try:
                fail(number)
            except LookupError:
                sentry_sdk.capture_exception()

    return Errors(capture, stream.close, lambda: lines(file))
