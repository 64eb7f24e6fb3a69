"""The base class of engines: each execution is an operation, and each class is registered."""

from __future__ import annotations

import functools
import inspect
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from plainview.capture.operations.operation import Operation, engine
from plainview.capture.operations.roster import ENGINES
from plainview.capture.operations.summary import summaries
from plainview.capture.runtime import runtime
from plainview.context import current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Engine", "engines"]

#: See `plainview.capture.operations.roster.Engines`.
engines: Final = ENGINES

_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TOLD: Final = "__plainview_told__"


class Engine:
    """What does one thing of many inputs: define `execute`, and each call of it is told, timed and counted.

    The class is registered in `plainview.engines` under its name. What goes into `execute` and what comes out is told
    in short; while it runs, `progress` and `retry` say how it gets on. It may be a coroutine or a generator function.

    Example:
        class Narrate(plainview.Engine):
            name = "tts"

            def execute(self, text: str) -> bytes:
                self.progress(50, step="voice")
                ...

    Attributes:
        name: of the engine; that of the class in small letters, without ``Engine``, when left out.
    """

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **arguments: Any) -> None:  # noqa: ANN401 - passes through
        super().__init_subclass__(**arguments)
        given = vars(cls).get("name")
        if not isinstance(given, str) or not given:
            cls.name = _WORDS.sub("_", cls.__name__.removesuffix("Engine") or cls.__name__).lower()
        function = vars(cls).get("execute")
        if inspect.isfunction(function):
            cls.execute = _told(function)  # type: ignore[method-assign] # with an operation around it
        if not inspect.isabstract(cls) and cls.execute is not Engine.execute:
            ENGINES.register(cls.name, cls)

    def execute(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the engine has it
        """Do it.

        Raises:
            NotImplementedError: the engine does not say how.
        """
        msg = f"{type(self).__name__} does not define execute"
        raise NotImplementedError(msg)

    def state(self) -> Mapping[str, Any]:
        """What should be known of the engine when it has failed: told with the failure. Nothing, unless overridden."""
        return {}

    @property
    def operation(self) -> Operation | None:
        """The execution that is going on, in this thread or task; None: none."""
        found = current.get().operation
        while found is not None and not (found.kind.name == "engine" and found.name == self.name):
            found = found.within
        return found if isinstance(found, Operation) else None

    def progress(self, done: float, total: float | None = None, step: str = "") -> None:
        """Say how far it has got; see `Operation.progress`."""
        found = self.operation
        if found is not None:
            found.progress(done, total, step)

    def retry(self, reason: object, attempt: int | None = None) -> None:
        """Say that it tries again; see `Operation.retry`."""
        found = self.operation
        if found is not None:
            found.retry(reason, attempt)


def _told(function: Callable[..., Any]) -> Callable[..., Any]:  # noqa: C901 - a wrapper for each sort of function
    """`execute`, with an operation around each call; a call by the class that overrides it is a part of that one."""
    signature = inspect.signature(function)

    def begun(self: Engine, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Operation | None:
        around = current.get().operation
        if isinstance(around, _Execution) and around.engine is self:
            return None
        return _Execution(self, _inputs(signature, self, args, kwargs))

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(self: Engine, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            operation = begun(self, args, kwargs)
            if operation is None:
                return await function(self, *args, **kwargs)
            with operation:
                output = await function(self, *args, **kwargs)
                operation.set(output=output)
                return output

    elif inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def wrapper(self: Engine, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            operation = _Execution(self, _inputs(signature, self, args, kwargs))
            operation.activate = False  # its body runs in its caller's context between two steps
            with operation:
                async for item in function(self, *args, **kwargs):
                    yield item

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapper(self: Engine, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            operation = _Execution(self, _inputs(signature, self, args, kwargs))
            operation.activate = False  # as above
            with operation:
                return (yield from function(self, *args, **kwargs))

    else:

        @functools.wraps(function)
        def wrapper(self: Engine, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            operation = begun(self, args, kwargs)
            if operation is None:
                return function(self, *args, **kwargs)
            with operation:
                output = function(self, *args, **kwargs)
                operation.set(output=output)
                return output

    return wrapper


class _Execution(Operation):
    """An execution of an engine."""

    __slots__ = ("engine",)

    def __init__(self, of: Engine, inputs: dict[str, Any]) -> None:
        super().__init__(engine(of.name).kind, of.name, None, {"inputs": inputs} if inputs else {})
        self.engine: Final = of

    def finish(self, error: BaseException | None = None) -> None:
        """End; with the engine's state, where it has failed."""
        if isinstance(error, Exception):
            try:
                state = self.engine.state()
                if state:
                    self.set(state=dict(state))
            except Exception as failure:  # noqa: BLE001 - the application's own
                runtime().recorder.spool.failed(failure)
        super().finish(error)


def _inputs(
    signature: inspect.Signature, engine: Engine, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """What goes in, by name and in short; nothing where the call is not as the signature has it."""
    try:
        given = list(signature.bind(engine, *args, **kwargs).arguments.items())[1:]
    except TypeError:
        return {}
    return summaries(dict(given))
