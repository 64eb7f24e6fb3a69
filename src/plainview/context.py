"""Correlation fields, the span and the operation that work happens in: one context variable for both.

The value of the variable is an immutable `Frame`; binding or opening a span makes a new one. `asyncio` copies
it into tasks by itself; threads and processes are the business of `plainview.integrations`.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = ["Bound", "Frame", "Left", "bind", "binding", "context", "current", "fields", "leave", "left_in", "unbind"]

F = TypeVar("F", bound="Callable[..., Any]")


class Bound(Struct, eq=False):
    """Bound fields. The encoded halves are filled in by capture, once, when a record first needs them."""

    fields: Mapping[str, Any]
    #: JSON members of the fields that have a place of their own, each followed by a comma; None: not made yet.
    known: bytes | None = None
    #: JSON members of all other fields, joined by commas.
    extra: bytes = b""
    extra_keys: frozenset[str] = frozenset()


class Frame(Struct, eq=False):
    """What is current: the bound fields, the span, and the rest of the OpenTelemetry context."""

    bound: Bound
    #: The current span (an OpenTelemetry ``Span`` of any make) or None.
    span: Any = None
    #: JSON members trace_id and span_id, each followed by a comma; None: not made yet.
    ids: bytes | None = b""
    #: OpenTelemetry context that was attached from outside; None where there was none.
    otel: Any = None
    #: The `plainview.capture.operations.life.Life` that work happens in, or None.
    operation: Any = None


EMPTY: Final = Frame(Bound({}))
current: Final[ContextVar[Frame]] = ContextVar("plainview", default=EMPTY)


def fields() -> dict[str, Any]:
    """The fields that are bound here and now, as a new dictionary."""
    return dict(current.get().bound.fields)


def binding(frame: Frame, bound: Mapping[str, Any]) -> Frame:
    """A frame like another one, with these fields bound and no others."""
    return Frame(Bound(bound), frame.span, frame.ids, frame.otel, frame.operation)


def bind(**fields: Any) -> None:  # noqa: ANN401 - any value may be bound
    """Bind fields to everything recorded from here on in this task or thread.

    A value of None removes the field. Use `context` where the fields should go again by themselves.
    """
    frame = current.get()
    merged = {**frame.bound.fields, **fields}
    current.set(binding(frame, {key: value for key, value in merged.items() if value is not None}))


def unbind(*names: str) -> None:
    """Remove fields by name; names that are not bound are passed over."""
    frame = current.get()
    current.set(binding(frame, {key: value for key, value in frame.bound.fields.items() if key not in names}))


class context:  # noqa: N801 - used as a function: `with context(...)`, `@context(...)`
    """Bind fields for the length of a block or of a decorated function, then restore what was there.

    Works with ``with``, ``async with`` and as a decorator of functions, coroutines and generators
    (of generators, each resumption runs within the fields).

    Example:
        >>> with context(job_id="j-1", step=3):
        ...     fields()
        {'job_id': 'j-1', 'step': 3}
    """

    __slots__ = ("_fields", "_token")

    def __init__(self, **fields: Any) -> None:  # noqa: ANN401 - any value may be bound
        self._fields = fields
        self._token: Token[Frame] | None = None

    def __enter__(self) -> Self:
        frame = current.get()
        merged = {**frame.bound.fields, **self._fields}
        for value in self._fields.values():
            if value is None:  # "not bound"; compared by identity, for a value may have an __eq__ of its own
                merged = {key: item for key, item in merged.items() if item is not None}
                break
        self._token = current.set(binding(frame, merged))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token, self._token = self._token, None
        if token is not None:
            if error is not None:
                leave(error, current.get())
            reset(token)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Decorate a function, coroutine function or generator function."""
        import inspect  # noqa: PLC0415 - slow to import, and few decorate

        given = self._fields
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
                with context(**given):
                    return await function(*args, **kwargs)

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
                return _resume_within(given, function(*args, **kwargs))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
                with context(**given):
                    return function(*args, **kwargs)

        return cast("F", wrapper)


def _resume_within(given: dict[str, Any], generator: Any) -> Any:  # noqa: ANN401 - any generator
    """Run each step of a generator within the fields; between steps the caller's own are back."""
    step, argument = generator.send, None
    while True:
        try:
            with context(**given):
                value = step(argument)
        except StopIteration as stop:
            return stop.value
        try:
            argument = yield value
            step = generator.send
        except GeneratorExit:
            generator.close()
            raise
        except BaseException as error:  # noqa: BLE001 - handed into the generator, which decides
            step, argument = generator.throw, error


class Left(str):
    """What an exception has left behind, noted on itself: text, empty, to whoever copies, pickles or prints it."""

    __slots__ = ("error_id", "frame", "turn")

    #: What was current where it comes from.
    frame: Frame
    #: The id of its error, where one waits to be written.
    error_id: str
    #: One item, for the one who writes it; None: none waits.
    turn: list[None] | None

    def take(self) -> bool:
        """Whether the error is the caller's to write: once."""
        try:
            if self.turn is not None:
                self.turn.pop()
                return True
        except IndexError:
            pass
        return False

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, ("",)


_LEFT: Final = "__plainview_context__"
_attributes: Final = vars(BaseException)["__dict__"].__get__


def leave(error: BaseException, frame: Frame) -> None:
    """Note on an exception what was current where it comes from. The first time counts: that is the innermost."""
    noted = _attributes(error)
    if type(noted.get(_LEFT)) is not Left:
        left = Left()
        left.frame, left.error_id, left.turn = frame, "", None
        noted[_LEFT] = left


def left_in(error: BaseException) -> Left | None:
    """What an exception has noted; None: it has not left any context yet."""
    found = _attributes(error).get(_LEFT)
    return found if type(found) is Left else None


def reset(token: Token[Frame]) -> None:
    """Restore what was current before ``token``, even from another task or out of order."""
    try:
        current.reset(token)
    except (ValueError, RuntimeError):
        # Closed in another context (an async generator finalised elsewhere) or twice: there is nothing to restore.
        previous = token.old_value
        if isinstance(previous, Frame):
            current.set(previous)
