"""`@traced`: a span around each call of a function."""

from __future__ import annotations

import functools
from contextlib import ContextDecorator
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast, overload

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from plainview.capture.spans import Span

__all__ = ["Block", "Starter", "around", "traced"]

F = TypeVar("F", bound="Callable[..., Any]")


class Block(Protocol):
    """What a decorated call runs in: a span, an operation."""

    #: Whether it becomes current inside.
    activate: bool

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Starter(ContextDecorator):
    """Starts a span on entry, so that one object can serve as context manager and as decorator many times."""

    def __init__(self, start: Callable[[], Span]) -> None:
        self._start: Final = start
        self._open: list[Span] = []

    def __enter__(self) -> Span:
        span = self._start()
        self._open.append(span)
        return span.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.pop().__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Decorate a function of any kind."""
        return around(self._start, function)


def around(start: Callable[[], Block], function: F) -> F:
    """``function`` with a span or the like around each call: plain, async, generator or async generator."""
    import inspect  # noqa: PLC0415 - slow to import, and needed once a function

    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            span = start()
            span.activate = False  # a generator's body runs in its caller's context between two steps
            with span:
                async for item in function(*args, **kwargs):
                    yield item

    elif inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            with start():
                return await function(*args, **kwargs)

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            span = start()
            span.activate = False  # as above
            with span:
                return (yield from function(*args, **kwargs))

    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            with start():
                return function(*args, **kwargs)

    return cast("F", wrapper)


@overload
def traced(function: F, /) -> F: ...
@overload
def traced(function: None = None, /, *, name: str | None = None, **attributes: Any) -> Callable[[F], F]: ...  # noqa: ANN401 - any value may be an attribute
def traced(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    **attributes: Any,
) -> Any:
    """A span around each call of a function: ``@traced`` or ``@traced(name="render", engine="pdf")``.

    Args:
        function: what is decorated.
        name: the span's name; the function's qualified name when left out.
        attributes: set on every span.
    """
    from plainview.capture.runtime import tracing  # noqa: PLC0415 - the runtime comes with the first span

    def decorate(function: F) -> F:
        chosen = name or str(getattr(function, "__qualname__", function))
        return around(lambda: tracing().start(chosen, dict(attributes)), function)

    return decorate if function is None else decorate(function)
