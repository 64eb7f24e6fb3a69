"""A run: the whole execution of a batch script, as the operation around all others.

None of its methods raises, whatever it is given.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self

import msgspec

from plainview.capture.operations import usage
from plainview.capture.operations.kinds import kind_of
from plainview.capture.operations.operation import Operation
from plainview.capture.runs import check as checks, ears, ending, inherited
from plainview.capture.runs.ledger import Ledger
from plainview.capture.runs.ongoing import ongoing
from plainview.context import context, current
from plainview.records import LEVEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.capture.operations.life import Life
    from plainview.capture.operations.telling import Telling
    from plainview.capture.runs.check import Result
    from plainview.capture.runs.summary import RunSummary
    from plainview.capture.spans import Span

__all__ = ["Given", "Run", "run"]

_LOGGER: Final = "plainview.run"
_INFO, _WARNING = 20, 30
_SAMPLE_SECONDS: Final = 5.0
_NOT_GIVEN: Final[Any] = object()


class Given(NamedTuple):
    """What a run was asked for; see `run`."""

    params: object
    summary_dir: str | os.PathLike[str] | None
    print_summary: bool | None


class Run(Operation):
    """An execution of a batch script; see `run`. What every operation can do, and what only runs can.

    Attributes:
        run_id: ``YYYYmmdd_HHMMSS-xxxxxxxx``: the local time that it was made at, and eight random hex digits. In the
            context field ``run_id`` of everything that happens inside.
        parent_run_id: of the run that it is a part of, in this process or the one that started it; None: of none.
    """

    __slots__ = ("_everywhere", "_folder", "_given", "_ledger", "_summary", "_watching", "parent_run_id", "run_id")

    whole: ClassVar[bool] = True
    process: ClassVar[bool] = True
    plain: ClassVar[bool] = False

    def __init__(self, name: str, given: Given, fields: dict[str, Any]) -> None:
        self.run_id: Final = f"{time.strftime('%Y%m%d_%H%M%S')}-{os.urandom(4).hex()}"
        super().__init__(kind_of("run"), name, self.run_id, dict(fields))
        self._given: Final = given
        self._folder = ""
        #: None: it has not begun, or nothing is captured.
        self._ledger: Ledger | None = None
        self._summary: RunSummary | None = None
        self._watching: usage.Watching | None = None
        self._everywhere: inherited.Everywhere | None = None
        self.parent_run_id: str | None = None

    @property
    def summary(self) -> dict[str, Any] | None:
        """What ``summary.json`` holds; None before the end."""
        return None if self._summary is None else msgspec.to_builtins(self._summary)

    @property
    def span(self) -> Span | None:
        """Its span, once it has begun."""
        return self._span

    @property
    def started_at(self) -> int:
        """When it began, nanoseconds since 1970."""
        return self._start

    @property
    def results(self) -> Mapping[str, Any]:
        """What it was told has come out of it."""
        return self._results

    # -- its beginning and end --------------------------------------------------------------------------------------

    def _begin(self, told: Telling) -> None:
        frame = current.get()
        around = frame.bound.fields.get("run_id")
        self.parent_run_id = around if type(around) is str else None
        settings = told.runtime.settings
        if settings.enabled:
            self._ledger = ledger = Ledger(told.runtime.recorder, self._given.params)
            if ledger.parameters:
                self._fields["parameters"] = ledger.parameters
            try:
                self._folder = ending.folder(self._given.summary_dir, settings, self.run_id)
            except Exception as failure:  # noqa: BLE001 - whatever was given for a folder
                told.failed(failure)
        if self.activate and around is None and inherited.alone():
            self._everywhere = inherited.Everywhere(self.run_id)
        super()._begin(told)
        ongoing[self.run_id] = self
        ears.listen()
        inherited.publish()
        if self._ledger is not None:
            self._watching = usage.watch(self._sampled, _SAMPLE_SECONDS)

    def _opening(self) -> Mapping[str, Any] | bytes:
        ledger = self._ledger
        return b"{}" if ledger is None else ledger.opening()

    def finish(self, error: BaseException | None = None) -> None:
        """End: well, or with what went wrong. A second call does nothing. ``sys.exit(0)`` is a good end."""
        good = isinstance(error, SystemExit) and (error.code is None or (type(error.code) is int and error.code == 0))
        super().finish(None if good else error)

    def _end(self, told: Telling, error: BaseException | None) -> None:
        ledger = self._ledger
        if ledger is not None:
            if self._watching is not None:
                self._sampled(self._watching.take())
            if self.row_count is None:
                self.row_count = ledger.tally.rows
        super()._end(told, error)
        if self._summary is not None:
            ending.leave(self._summary, self._folder, self._given.print_summary, told.runtime)

    def _last(self) -> dict[str, Any]:
        fields = super()._last()
        if self._ledger is not None:
            fields |= {"errors": self._ledger.tally.errors, "warnings": self._ledger.tally.warnings}
        return fields

    def _closing(self, error: BaseException | None) -> Mapping[str, Any] | bytes:
        ledger = self._ledger
        if ledger is None:
            return {}
        self._summary = ending.summary_of(self, ledger, error)
        return ledger.closing(self._summary)

    def _leave(self, error: BaseException | None) -> None:
        try:
            if self._watching is not None:
                self._watching.stop()
            if self._everywhere is not None:
                self._everywhere.end()
            if ongoing.pop(self.run_id, None) is not None:
                inherited.publish()
            if not ongoing:
                ears.rest()
        except Exception as failure:  # noqa: BLE001 - never into the application
            self._failed(failure)
        super()._leave(error)

    def after_fork(self) -> None:
        """In a forked child; see `_in_child`."""
        if self._ledger is not None:
            self._ledger.tally.after_fork()

    def _again(self) -> Self:
        return type(self)(self.name, self._given, self._fields)

    def _sampled(self, sample: usage.Sample) -> None:
        if self._ledger is not None:
            self._ledger.sampled(sample)
            self._record("sample", data=sample._asdict())

    def collect(self, operation: Life, status: str, duration_ns: int, cpu_ns: int) -> None:  # noqa: ARG002 - it has them
        """An operation in it has ended."""
        if self._ledger is not None:
            self._ledger.tally.ended(operation, status, sys.exc_info()[1] if status != "completed" else None)

    def heard(
        self, head: bytes, message: object, fields: Mapping[str, Any], error: BaseException | None, error_id: str | None
    ) -> None:
        """An error or a warning was met inside; see `plainview.capture.runs.tally.Tally.noticed`."""
        if self._ledger is not None:
            self._ledger.tally.noticed(head, message, fields, error, error_id)
        if self.run is not None:
            self.run.heard(head, message, fields, error, error_id)

    # -- what it is told --------------------------------------------------------------------------------------------

    def check(  # noqa: PLR0913 - a threshold each
        self,
        name: str,
        value: Any,  # noqa: ANN401 - whatever can be compared
        /,
        *,
        equal: Any = _NOT_GIVEN,  # noqa: ANN401 - as `value`
        min: Any = None,  # noqa: A002, ANN401 - what it is called everywhere; as `value`
        max: Any = None,  # noqa: A002, ANN401 - as above
        warn_min: Any = None,  # noqa: ANN401 - as above
        warn_max: Any = None,  # noqa: ANN401 - as above
        **fields: Any,  # noqa: ANN401 - any value may be told
    ) -> Result:
        """Check data quality: a value against thresholds. Tells of it, counts it, and stops nothing.

        Args:
            name: what is checked.
            value: what was found.
            equal: anything else fails.
            min: less fails.
            max: more fails.
            warn_min: less gives a warning.
            warn_max: more gives a warning.
            fields: whatever else is to be known.

        Returns:
            ``pass``, ``warning`` or ``fail``. Without thresholds False fails. What cannot be compared fails.
        """
        bounds = {"min": min, "max": max, "warn_min": warn_min, "warn_max": warn_max}
        thresholds = {key: bound for key, bound in bounds.items() if bound is not None}
        if equal is not _NOT_GIVEN:
            thresholds["equal"] = equal
        result, why = checks.judge(value, thresholds)
        try:
            if self._telling is not None and self._ledger is not None:
                kept = self._ledger.check(name, value, thresholds, result, fields)
                level, words = checks.LEVELS[result]
                told = {"check": kept.name, "value": kept.value, **kept.thresholds, "result": result, **kept.fields}
                self._say(level, f"{words}: {kept.name}", told | ({"reason": why} if why else {}))
                self._record("check", data=msgspec.to_builtins(kept), reason=why)
        except Exception as failure:  # noqa: BLE001 - never into the application
            self._failed(failure)
        return result

    def artifact(self, path: str | os.PathLike[str]) -> None:
        """Note a file that it made."""
        self._saved("artifact", path)

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Note a backup that it made."""
        self._saved("backup", path)

    def _saved(self, kind: str, path: object) -> None:
        try:
            if self._telling is not None and self._ledger is not None:
                file = self._ledger.saved(kind, path)
                level, words = (_INFO, "saved") if file.bytes is not None else (_WARNING, "is missing")
                self._say(level, f"{kind} {words}: {os.path.basename(file.path)}", msgspec.to_builtins(file))
                self._record(kind, data=msgspec.to_builtins(file))
        except Exception as failure:  # noqa: BLE001 - never into the application
            self._failed(failure)

    def warn(self, text: str, /, **fields: Any) -> None:  # noqa: ANN401 - any value may be told
        """Note that something is not as it should be: a line at WARNING, and a warning of the run."""
        try:
            if self._telling is not None and self._ledger is not None:
                self._say(_WARNING, text, fields)
                self._record("warning", reason=text, data=fields)
        except Exception as failure:  # noqa: BLE001 - never into the application
            self._failed(failure)

    def _say(self, level: int, message: object, fields: dict[str, Any]) -> None:
        """Write a line, in whichever thread; what is not kept is counted all the same."""
        told = self._telling
        if told is None:
            return
        now = told.runtime
        head = now.recorder.head(LEVEL_NAMES[level], _LOGGER)
        admit = now.gates.gate(_LOGGER, level)
        with context(run_id=self.run_id):
            if level >= now.gates.level(_LOGGER) and (admit is None or admit(message)):
                now.recorder.log(time.time_ns(), head, message, fields, b"")
            elif level >= _WARNING:
                self.heard(head, message, fields, None, None)


def _in_child() -> None:
    """The runs go on in the parent, whose threads may have held any lock. What is told of them here is kept apart."""
    inherited.after_fork()
    for one in ongoing.values():
        one.after_fork()


os.register_at_fork(after_in_child=_in_child)


def run(
    name: str,
    /,
    *,
    params: object = None,
    summary_dir: str | os.PathLike[str] | None = None,
    print_summary: bool | None = None,
    **fields: Any,  # noqa: ANN401 - any value may be told
) -> Run:
    """A run: the whole of a batch script, with a summary at its end.

    Use it with ``with`` or ``async with``, decorate a function with it, or call `Run.start` and `Run.finish`.

    Args:
        name: what is run: there should be few of them.
        params: what it is given: a mapping, or an object with attributes, such as a namespace of `argparse`.
        summary_dir: folder that takes ``<run_id>/summary.json``; the setting ``runs_dir`` when left out.
        print_summary: whether the summary is printed at the end; the setting ``run_summary`` when left out.
        fields: whatever else is to be known.

    Example:
        with plainview.run("simulate", params={"years": 30}) as run:
            run.rows(42_331)
            run.check("growth", 0.03, min=0.0, warn_max=0.05)
    """
    return Run(name, Given(params, summary_dir, print_summary), fields)
