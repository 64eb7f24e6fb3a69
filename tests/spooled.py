"""What was captured into a folder, line by line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from plainview import segments
from plainview.ingest.endings import endings
from plainview.ingest.ndjson import decode

if TYPE_CHECKING:
    from pathlib import Path


def lines(directory: Path, kind: str) -> list[dict]:
    """All whole lines of a kind in a spool, over all streams; of operations also those that their span's line tells."""
    found = []
    for stream in sorted((directory / "spool").glob("[!.]*")):
        for name in segments.listing(stream):
            data = (stream / str(name)).read_bytes() if name.kind in {kind, "span"} else b""
            data = data[: segments.complete(data)]
            if name.kind == kind:
                found += [json.loads(line) for line in data.splitlines()]
            elif kind == "operation":
                found += [json.loads(msgspec.json.encode(record)) for _, record in endings(decode("span", data)[0])]
    return found
