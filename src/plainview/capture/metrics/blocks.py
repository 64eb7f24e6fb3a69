"""Around a block of code: how long it takes, how many are inside, what leaves it. Context managers and decorators."""

from __future__ import annotations

import functools
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Counted", "InProgress", "Timing"]

F = TypeVar("F", bound="Callable[..., Any]")


class _Around:
    """Something that is done when a block is entered and left; as a decorator, at each call."""

    __slots__ = ()

    def _again(self) -> Self:
        """One of its own for each call of a decorated function: they may overlap."""
        return self

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Decorate a function, a coroutine function or a generator function (from its first step to its end)."""
        import inspect  # noqa: PLC0415 - slow to import, and few decorate

        again = self._again
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
                with again():
                    return await function(*args, **kwargs)

        elif inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
                with again():
                    async for item in function(*args, **kwargs):
                        yield item

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
                with again():
                    return (yield from function(*args, **kwargs))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
                with again():
                    return function(*args, **kwargs)

        return cast("F", wrapper)


class Timing(_Around):
    """Seconds that a block takes, given to ``tell``."""

    __slots__ = ("_start", "_tell")

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell: Final = tell
        self._start = 0.0

    def _again(self) -> Self:
        return type(self)(self._tell)

    def __enter__(self) -> Self:
        self._start = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell(max(0.0, perf_counter() - self._start))


class InProgress(_Around):
    """Adds one while a block is being run."""

    __slots__ = ("_inc",)

    def __init__(self, inc: Callable[[float], None]) -> None:
        self._inc: Final = inc

    def __enter__(self) -> Self:
        self._inc(1.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inc(-1.0)


class Counted(_Around):
    """Adds one for each exception of a kind that leaves a block."""

    __slots__ = ("_inc", "_kind")

    def __init__(
        self, inc: Callable[[float], None], kind: type[BaseException] | tuple[type[BaseException], ...]
    ) -> None:
        self._inc: Final = inc
        self._kind: Final = kind

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and isinstance(error, self._kind):
            self._inc(1.0)
