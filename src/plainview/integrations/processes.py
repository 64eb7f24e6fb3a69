"""Context into processes: `multiprocessing` with fork, spawn and forkserver, its pools, and `ProcessPoolExecutor`.

A forked child has its parent's context anyway. What is pickled for another process takes the context along: the fields,
the ids of the span, and the settings, for a child that nobody has configured.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.capture import runtime
from plainview.capture.propagation import frame_from, inject
from plainview.context import Bound, Frame, current
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed
from plainview.integrations.threads import within

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install", "install_executor", "install_exit", "install_pool"]

#: Where operations live, once there are any: it takes its time to be imported.
_LIFE: Final = "plainview.capture.operations.life"
_PLAIN: Final = (str, int, float, bool)


class _Carried:
    """The context of the place where it was made, as it can be pickled."""

    __slots__ = ("_fields", "_headers", "_operation", "_settings")

    def __init__(self) -> None:
        headers: dict[str, str] = {}
        inject(headers)
        self._headers = {name: value for name, value in headers.items() if name == "traceparent"}
        frame = current.get()
        fields, around = frame.bound.fields, frame.operation
        self._fields = {key: value if type(value) in _PLAIN else str(value) for key, value in fields.items()}
        self._operation: str = "" if around is None else around.operation_id
        self._settings = msgspec.to_builtins(runtime.runtime().settings)

    def arrive(self) -> Frame:
        """The frame that this was made of, in another process. Configures Plainview there if nobody has."""
        if runtime._current is None:  # noqa: SLF001 - `runtime()` would configure from the environment alone
            runtime.configure(**self._settings)
        if self._operation or _LIFE in sys.modules:
            from plainview.capture.operations.life import beyond  # noqa: PLC0415 - few have operations

            beyond.set(self._operation)
        frame = frame_from(self._headers.get)
        # Without an operation: that would be what this process was forked in.
        return Frame(Bound(self._fields), frame.span, frame.ids)


class _Passenger:
    """Rides on a process that is about to be pickled; when it arrives, its context becomes current."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (_Carried(),)


def _arrived(carried: _Carried) -> None:
    try:
        current.set(carried.arrive())
    except Exception as error:  # noqa: BLE001 - the process runs without
        failed(error)


class _Task:
    """A function that takes its context along."""

    def __init__(self, function: Callable[..., Any], carried: _Carried) -> None:
        self._function = function
        self._carried = carried

    def __reduce__(self) -> tuple[Any, ...]:
        # Not what `functools.update_wrapper` took over from the function: that need not be fit to be pickled.
        return _Task, (self._function, self._carried)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
        try:
            frame = self._carried.arrive()
        except Exception as error:  # noqa: BLE001 - the function runs without
            failed(error)
            return self._function(*args, **kwargs)
        return within(frame, self._function, *args, **kwargs)


def install(module: ModuleType) -> None:
    """Processes begin with the context of the place that started them, and what one fails of is an error.

    ``module`` is ``multiprocessing.process``. A process catches what its ``run`` raises, prints it and ends without
    `sys.excepthook`.
    """

    def make(start: Callable[..., None]) -> Callable[..., None]:
        def wrapper(self: Any) -> None:  # noqa: ANN401 - multiprocessing.Process
            self.__plainview__ = _Passenger()
            try:
                start(self)
            finally:
                del self.__plainview__

        return wrapper

    def make_bootstrap(bootstrap: Callable[..., int]) -> Callable[..., int]:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> int:  # noqa: ANN401 - as above
            try:
                self.run = _telling(self.run)
            except Exception as error:  # noqa: BLE001 - the process runs without
                failed(error)
            return bootstrap(self, *args, **kwargs)

        return wrapper

    replace(module.BaseProcess, "start", make)
    replace(module.BaseProcess, "_bootstrap", make_bootstrap)


def _telling(run: Callable[[], None]) -> Callable[[], None]:
    def telling() -> None:
        try:
            run()
        except BaseException as error:
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next  # what is printed is the program's alone
            try:
                recorder = runtime.runtime().recorder
                recorder.errors.capture(error, mechanism="multiprocessing", handled=False, level="CRITICAL")
            except Exception as fault:  # noqa: BLE001 - the process ends as it would
                failed(fault)
            raise

    return telling


def install_exit(module: ModuleType) -> None:
    """Nothing that was only counted so far is lost with a process. ``module`` is ``multiprocessing.util``.

    A process of `multiprocessing` ends by `os._exit`; on its way out it calls the function that is replaced here.
    """

    def make(exit_function: Callable[..., None]) -> Callable[..., None]:
        def wrapper(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passes through
            try:
                runtime.runtime().recorder.flush(everything=True)
            except Exception as fault:  # noqa: BLE001 - the process ends as it would
                failed(fault)
            exit_function(*args, **kwargs)

        return wrapper

    replace(module, "_exit_function", make)


def install_executor(module: ModuleType) -> None:
    """Work runs in the context of the place that submitted it. ``module`` is ``concurrent.futures.process``."""

    def make(submit: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            return submit(self, _carrying(fn), *args, **kwargs)

        return wrapper

    replace(module.ProcessPoolExecutor, "submit", make)


def install_pool(module: ModuleType) -> None:
    """The same for the pools of `multiprocessing`. ``module`` is ``multiprocessing.pool``."""

    def make(method: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            return method(self, _carrying(func), *args, **kwargs)

        return wrapper

    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):  # all others go through one of these
        replace(module.Pool, name, make)


def _carrying(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        return functools.update_wrapper(_Task(function, _Carried()), function)
    except Exception as error:  # noqa: BLE001 - the function goes as it is
        failed(error)
        return function
