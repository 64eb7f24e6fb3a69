"""The engines that there should be, and those that there are.

What is expected and has not been met yet is missing. The process tells of it when that changes, and once an hour: as
the gauge ``engine_registered``, and, for the server, as an operation of kind ``registry`` called ``engines``, whose
``close`` has ``{"expected": [names], "missing": [names]}`` for its data.
"""

from __future__ import annotations

import os
import time
from typing import Any, Final

from plainview.capture import chores
from plainview.capture.metrics.families import feed
from plainview.capture.operations.recording import Recording
from plainview.capture.runtime import runtime

__all__ = ["ENGINES", "Engines"]

_GAUGE: Final = "engine_registered"
_KIND, _NAME = "registry", "engines"
_AGAIN_SECONDS: Final = 3600.0
#: Expected engines that are told of.
_MOST: Final = 250
_MAX_NAME: Final = 256


class Engines:
    """The engines of this process, by name.

    An engine is expected when it was said so, `expect`, or when its class is defined (`plainview.Engine`); it is there
    as soon as its class is defined, or as it is first used, ``with plainview.engine(name)``.
    """

    def __init__(self) -> None:
        self._expected: Final[dict[str, None]] = {}
        self._present: Final[dict[str, type[Any] | None]] = {}
        self._changed = False
        self._told = 0.0

    def expect(self, *names: str) -> None:
        """Say which engines this process should have."""
        for name in names:
            self._add(self._expected, str(name)[:_MAX_NAME])

    def register(self, name: str, engine: type[Any]) -> None:
        """An engine's class is defined: it is expected, and there."""
        self._add(self._expected, name[:_MAX_NAME])
        self._add(self._present, name[:_MAX_NAME], engine)

    def met(self, name: str) -> None:
        """An engine is used."""
        if name not in self._present:
            self._add(self._present, name[:_MAX_NAME])
        if self._changed:
            self._tell()

    @property
    def expected(self) -> tuple[str, ...]:
        """Names of those that there should be, in order."""
        return tuple(sorted(self._expected))

    @property
    def present(self) -> tuple[str, ...]:
        """Names of those that there are, in order."""
        return tuple(sorted(self._present))

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of those that there should be and are not, in order."""
        return tuple(sorted(self._expected.keys() - self._present.keys()))

    def __getitem__(self, name: str) -> type[Any]:
        """The class of an engine.

        Raises:
            KeyError: there is no class of that name.
        """
        found = self._present[name]
        if found is None:
            raise KeyError(name)
        return found

    def _add(self, names: dict[str, Any], name: str, engine: type[Any] | None = None) -> None:
        if name not in names or engine is not None:
            names[name] = engine
            self._changed = True
            chores.add(self._turn)

    def _turn(self, _clock: float) -> float:
        """The keeper comes by: by then there is a configuration."""
        left = self._told + _AGAIN_SECONDS - time.monotonic()
        if self._changed or left <= 0:
            self._tell()
            return _AGAIN_SECONDS
        return left

    def after_fork(self) -> None:
        """In a forked child: it tells of its own, once it records anything."""
        if self._expected:
            self._changed = True
            chores.add(self._turn)

    def _tell(self) -> None:
        self._changed, self._told = False, time.monotonic()
        now = runtime()
        try:
            expected, missing = self.expected[:_MOST], self.missing[:_MOST]
            if not expected:
                return
            for name in expected:
                feed(_GAUGE).labels(engine_name=name).set(0 if name in missing else 1)
            recording = Recording(now.recorder, _KIND, _NAME)
            moment = time.time_ns()
            identity = recording.identity(os.urandom(8).hex(), "", "", moment)
            members = recording.members({"status": "completed", "duration_ms": 0.0})
            data = recording.data({"expected": expected, "missing": missing})
            recording.write(moment, "close", identity.encode(), members, b"", data)
        except Exception as error:  # noqa: BLE001 - never into the application
            now.recorder.spool.failed(error)


#: Those of this process.
ENGINES: Final = Engines()
os.register_at_fork(after_in_child=ENGINES.after_fork)  # after that of `chores`, which forgets the parent's
