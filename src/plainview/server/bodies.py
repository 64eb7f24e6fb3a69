"""Raw request bodies: read up to a limit, unpacked up to a limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import cramjam
import zstandard

from plainview.server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

__all__ = ["MOST_PACKED", "MOST_UNPACKED", "read", "require_type", "unpack"]

#: Most bytes of a body as it comes over the network, and after unpacking.
MOST_PACKED: Final = 16 << 20
MOST_UNPACKED: Final = 64 << 20

#: Types that lines of JSON travel under.
_LINES: Final = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/json",
        "application/octet-stream",
    }
)
_GZIP: Final = 16 + zlib.MAX_WBITS
_STEP: Final = 1 << 20
#: A few bytes of zstd can stand for a whole block (128 KiB); so many at a time never unpack to much at once.
_ZSTD_STEP: Final = 256
_ZSTD_WINDOW: Final = 1 << 27


def require_type(request: Request) -> None:
    """Refuse a body that does not say it is lines of JSON; a body that says nothing is taken for it.

    Raises:
        Problem: 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind not in _LINES:
        raise Problem(
            415,
            f"Content-Type {kind[:80]!r} is not taken here: send lines of JSON as application/x-ndjson",
            errors=[{"field": "Content-Type", "message": "takes application/x-ndjson"}],
        )


async def read(request: Request, most: int = MOST_PACKED) -> bytes:
    """The body as it came.

    Raises:
        Problem: 413 when it is longer than ``most`` bytes; 400 when its length is no number.
    """
    announced = request.headers.get("content-length", "0")
    if not (announced.isascii() and announced.isdecimal()):
        raise Problem(400, "Content-Length is no number", errors=[{"field": "Content-Length", "message": "no number"}])
    if len(announced) > 15 or int(announced) > most:  # noqa: PLR2004 - more digits than any body has bytes
        raise _too_large(most, "")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise _too_large(most, "")
    return bytes(body)


def _too_large(most: int, when: str) -> Problem:
    message = f"larger than {most >> 20} MiB{when}: send it in parts"
    return Problem(413, f"The body is {message}", errors=[{"field": "body", "message": message}])


def unpack(body: bytes, encoding: str, most: int = MOST_UNPACKED) -> bytes:
    """The body without its Content-Encoding. Takes time and memory in proportion to ``most``: call it in a thread.

    Args:
        body: as it came.
        encoding: ``gzip``, ``deflate``, ``br``, ``zstd``, ``identity`` or nothing.
        most: bytes after which unpacking ends.

    Raises:
        Problem: 415 for another encoding, 400 when the body is damaged, 413 when it unpacks to more than ``most``.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in _UNPACKERS:
        raise Problem(
            415,
            f"Content-Encoding {encoding[:40]!r} is not understood here",
            errors=[{"field": "Content-Encoding", "message": "takes gzip, deflate, br, zstd or identity"}],
            headers={"Accept-Encoding": "gzip, deflate, br, zstd"},
        )
    unpacked = bytearray()
    try:
        for part in _UNPACKERS[encoding](body):
            unpacked += part
            if len(unpacked) > most:
                raise _too_large(most, " when unpacked")
    except (zlib.error, zstandard.ZstdError, cramjam.DecompressionError, EOFError) as error:
        message = f"is not whole {encoding}: {error}"
        raise Problem(400, f"The body {message}", errors=[{"field": "body", "message": message}]) from None
    return bytes(unpacked)


def _gunzip(body: bytes) -> Iterator[bytes]:
    while body:
        member = zlib.decompressobj(_GZIP)
        part: bytes | None = None
        while part is None or not member.eof:
            if part == b"" and not body:
                raise _ended()
            part = member.decompress(body, _STEP)
            body = member.unconsumed_tail or member.unused_data
            yield part


def _unzstd(body: bytes) -> Iterator[bytes]:
    view, position = memoryview(body), 0
    while position < len(view):
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        while not frame.eof:
            if position >= len(view):
                raise _ended()
            step = view[position : position + _ZSTD_STEP]
            yield frame.decompress(step)
            position += len(step) - len(frame.unused_data)


def _inflate(body: bytes) -> Iterator[bytes]:
    """Deflate: in a zlib frame, as RFC 9110 has it, or bare, as some send it."""
    framed = len(body) > 1 and body[0] & 15 == zlib.DEFLATED and not (body[0] << 8 | body[1]) % 31
    member = zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
    while not member.eof:
        part = member.decompress(body, _STEP)
        body = member.unconsumed_tail
        if not part and not body and not member.eof:
            raise _ended()
        yield part


def _unbrotli(body: bytes) -> Iterator[bytes]:
    """Brotli, into a buffer of the size that is allowed: the library unpacks all at once, or fails when it is full."""
    room = bytearray(MOST_UNPACKED)
    try:
        yield bytes(memoryview(room)[: cramjam.brotli.decompress_into(body, room)])
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):
            raise _too_large(MOST_UNPACKED, " when unpacked") from None
        raise


def _ended() -> EOFError:
    return EOFError("it ends too early")


_UNPACKERS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
