"""Context over HTTP: W3C ``traceparent`` and ``baggage``, and ``X-Request-ID``, in and out.

Sources: https://www.w3.org/TR/trace-context/ and https://www.w3.org/TR/baggage/.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from plainview.context import Bound, Frame, current
from plainview.records import CONTEXT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

__all__ = ["BAGGAGE_FIELDS", "add_baggage", "frame_from", "inject", "new_request_id", "request_id_from"]

#: Bound fields that travel in ``baggage``. Who a user is does not leave the process by itself.
BAGGAGE_FIELDS: Final = ("job_id", "batch_id", "run_id", "project_id")

_TRACEPARENT: Final = re.compile(
    r"^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$"
)
#: What an incoming request id may look like. Anything else is replaced: it will stand in logs and headers.
_REQUEST_ID: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}\Z")
_MAX_BAGGAGE: Final = 8192


def new_request_id() -> str:
    """A request id: 32 random hex digits."""
    return os.urandom(16).hex()


def request_id_from(text: str | None) -> str:
    """An incoming ``X-Request-ID`` if it is well formed (1 to 128 of ``A-Za-z0-9._:/+=@-``), else a new one."""
    return text if text is not None and _REQUEST_ID.match(text) else new_request_id()


def frame_from(header: Callable[[str], str | None], **fields: Any) -> Frame:  # noqa: ANN401 - any value may be bound
    """The frame that an incoming request or message begins with.

    Args:
        header: looks a header up by its lower-case name.
        fields: further fields to bind, on top of what the sender's baggage binds.
    """
    frame = current.get()
    bound = dict(frame.bound.fields)
    bound.update(_baggage(header("baggage")))
    bound.update(fields)
    span = None
    match = _TRACEPARENT.match((header("traceparent") or "").strip())
    if match and (match[1] != "00" or match[5] is None):
        flags = TraceFlags(int(match[4], 16) & TraceFlags.SAMPLED)
        span = NonRecordingSpan(SpanContext(int(match[2], 16), int(match[3], 16), is_remote=True, trace_flags=flags))
    return Frame(Bound(bound), span, None if span else b"", None, frame.operation)


def _baggage(text: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if text and len(text) <= _MAX_BAGGAGE:
        for member in text.split(","):
            name, separator, value = member.partition(";")[0].partition("=")
            name = name.strip()
            if separator and name in CONTEXT_FIELDS and name not in {"trace_id", "span_id", "request_id"}:
                found[name] = unquote(value.strip())[:256]
    return found


def inject(headers: MutableMapping[str, str]) -> None:
    """Add ``traceparent``, ``baggage`` and ``X-Request-ID`` of the current context; what is there already stays."""
    frame = current.get()
    present = {name.lower() for name in headers}
    if frame.span is not None and "traceparent" not in present:
        context = frame.span.get_span_context()
        if context.is_valid:
            headers["traceparent"] = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    bound = frame.bound.fields
    request_id = bound.get("request_id")
    if request_id is not None and "x-request-id" not in present and _REQUEST_ID.match(str(request_id)):
        headers["X-Request-ID"] = str(request_id)
    add_baggage(
        headers,
        [f"{name}={quote(str(bound[name]), safe='')}" for name in BAGGAGE_FIELDS if bound.get(name) is not None],
    )


def add_baggage(headers: MutableMapping[str, str], members: Sequence[str]) -> None:
    """Add members, each ``name=value``, to the header ``baggage``, behind what stands there and stays."""
    if not members:
        return
    key = next((name for name in headers if name.lower() == "baggage"), "baggage")
    theirs = headers.get(key, "")
    if type(theirs) is not str or len(theirs) > _MAX_BAGGAGE:
        return
    taken = {_name_of(member) for member in theirs.split(",")}
    added = [member for member in members if _name_of(member) not in taken]
    if added:
        headers[key] = ",".join(filter(None, (theirs, *added)))


def _name_of(member: str) -> str:
    return member.partition("=")[0].strip()
