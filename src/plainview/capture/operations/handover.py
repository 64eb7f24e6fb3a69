"""Work that goes on in another process: a token is made of the operation here, and the operation of the token there."""

from __future__ import annotations

import base64
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.capture.operations.kinds import kind_of
from plainview.capture.propagation import frame_from, inject
from plainview.capture.runtime import runtime
from plainview.context import Frame, current

if TYPE_CHECKING:
    from plainview.capture.operations.life import Life
    from plainview.capture.operations.operation import Operation

__all__ = ["Carried", "resume", "token_of"]

#: Longest token that is read. It has been through somebody's queue.
_MOST: Final = 65_536
#: Kind → where its class lives, where that is not `Operation`.
_CLASSES: Final = {"agent": ("plainview.capture.operations.agents", "Agent")}
_PLAIN: Final = ("plainview.capture.operations.operation", "Operation")


class Carried(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a token says of an operation."""

    operation_id: str
    kind: str
    name: str
    key: str | None = None
    parent_id: str = ""
    #: Nanoseconds since 1970: when it began, and when it was handed over; and what it took until then.
    start: int
    sent: int
    elapsed: int
    attempt: int = 1
    rows: int | None = None
    headers: dict[str, str] = {}
    inputs: dict[str, Any] = {}
    results: dict[str, Any] = {}
    reached: dict[str, Any] = {}

    def around(self, frame: Frame) -> Frame:
        """The frame that it goes on in: the trace that it began in, and the context fields of there."""
        token = current.set(frame)
        try:
            return frame_from(self.headers.get)
        finally:
            current.reset(token)


def token_of(life: Life) -> str:
    """All that another process needs to go on with an operation, as text of ``A-Za-z0-9_-``."""
    headers: dict[str, str] = {}
    token = current.set(life.frame())
    try:
        inject(headers)
    finally:
        current.reset(token)
    encoding = runtime().recorder.encoding
    carried = Carried(
        operation_id=life.operation_id,
        kind=life.kind.name,
        name=life.name,
        key=life.id,
        parent_id=life.parent_id,
        start=life._start,  # noqa: SLF001 - as above
        sent=time.time_ns(),
        elapsed=life.elapsed(),
        attempt=life._attempt,  # noqa: SLF001 - as above
        rows=life.row_count,
        headers={name: value for name, value in headers.items() if name in {"traceparent", "baggage"}},
        inputs=msgspec.json.decode(encoding.fields(life._inputs)),  # noqa: SLF001 - as above
        results=msgspec.json.decode(encoding.fields(life._results)),  # noqa: SLF001 - as above
        reached=msgspec.json.decode(encoding.fields(life._reached)),  # noqa: SLF001 - as above
    )
    whole = msgspec.json.encode(carried)
    if len(whole) * 4 > _MOST * 3:
        whole = msgspec.json.encode(msgspec.structs.replace(carried, inputs={}, results={}))
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


def resume(token: str, /) -> Operation:
    """Go on with an operation that `Operation.detach` has handed over: ``with plainview.resume(token) as job:``.

    It is the same one as before, with the same id, in the same trace; it ends here. A token that cannot be read is
    counted as an internal error, and a ``task`` called ``resumed`` is had instead: the work is done all the same.

    Args:
        token: what `Operation.detach` has returned.
    """
    try:
        carried = _read(token)
    except Exception as error:  # noqa: BLE001 - never into the application
        runtime().recorder.spool.failed(ValueError(f"not a token of an operation: {error}"))
        return _made(_PLAIN, "task", "resumed", None)
    operation = _made(_CLASSES.get(carried.kind, _PLAIN), carried.kind, carried.name, carried.key)
    operation.go_on(carried)
    return operation


def _read(token: str) -> Carried:
    if type(token) is not str or not 0 < len(token) <= _MOST:
        msg = "no text, or too long"
        raise ValueError(msg)
    carried = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=Carried)
    for given in (carried.operation_id, carried.parent_id or "0" * 16):
        if len(given) != 16 or not set(given) <= set("0123456789abcdef"):  # noqa: PLR2004 - as of a span
            msg = "an id of it is none"
            raise ValueError(msg)
    return carried


def _made(home: tuple[str, str], kind: str, name: str, key: str | None) -> Operation:
    module, called = home
    made: Operation = getattr(import_module(module), called)(kind_of(kind), name, key, {})
    return made
