"""What a run adds up while it goes on: its operations by kind and name, its errors and warnings. Bounded."""

from __future__ import annotations

import time
from _thread import RLock  # native even where gevent has patched `threading`: it is never held across a switch
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.capture.errors import chain
from plainview.capture.errors.chain import type_name
from plainview.capture.errors.occurrence import id_of
from plainview.capture.errors.stack import said
from plainview.capture.operations.summary import summary
from plainview.capture.recorder import LOUD
from plainview.capture.runs.summary import Failure, Issue, Issues, OperationFigures, stamp
from plainview.context import current, leave, left_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.capture.encoding import Encoding
    from plainview.capture.operations.life import Life

__all__ = ["Tally"]

#: Kinds and names of operations that are told apart; the rest goes under `_REST`.
_MOST_NAMES: Final = 2_000
_REST: Final = "…"
#: Different errors, and different warnings, that are shown; fields of each.
_MOST_ISSUES: Final = 50
_MOST_FIELDS: Final = 20
#: Errors that are known again when they are logged a second time.
_MOST_IDS: Final = 10_000
#: Operations that failed, of which one may be the first to have.
_MOST_FAILURES: Final = 100
_LONGEST: Final = 500
#: Fields of a line that are told of otherwise.
_NO_FIELDS: Final = frozenset({"exc_info", "stack_info"})
_LEVEL, _WARNING = LOUD[0], ord("W")


class _Figures:
    """The operations of one kind and name so far."""

    __slots__ = ("clock", "count", "cpu", "delta", "failed", "most", "peak", "rows", "slowest", "status", "total")

    def __init__(self) -> None:
        self.clock = self.count = self.cpu = self.failed = self.total = 0
        self.most = -1
        self.peak: int | None = None
        self.delta: int | None = None
        self.rows: int | None = None
        self.status = ""
        self.slowest: Mapping[str, Any] = {}


class Tally:
    """Adds up. It may be told from any thread.

    Args:
        encoding: bounds and scrubs what is kept of lines.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding: Final = encoding
        self._lock = RLock()  # a signal handler, or the `__str__` of something that is logged, may log itself
        self._figures: dict[tuple[str, str], _Figures] = {}
        self._issues: dict[tuple[bytes, str], Issue] = {}
        self._error_ids: set[str] = set()
        self._failures: list[tuple[Failure, object]] = []
        self._errors: list[Issue] = []
        self._warnings: list[Issue] = []
        self.errors = 0
        self.warnings = 0
        #: Of the operations that are a part of no other one.
        self.rows: int | None = None

    def after_fork(self) -> None:
        """In a forked child: another thread of the parent may have held the lock."""
        self._lock = RLock()

    def ended(self, one: Life, status: str, error: BaseException | None) -> None:
        """Add an operation that has ended.

        Args:
            one: the operation.
            status: how.
            error: what it failed with, if it did and that is known.
        """
        key = (one.kind.name, one.name)
        with self._lock:
            found = self._figures.get(key)
            if found is None:
                if len(self._figures) >= _MOST_NAMES:
                    key = (one.kind.name, _REST)
                found = self._figures.setdefault(key, _Figures())
            found.count += 1
            found.failed += status == "failed"
            found.total += one.duration_ns
            found.cpu += one.cpu_ns
            found.delta = _sum(found.delta, one.memory_delta)
            found.rows = _sum(found.rows, one.row_count)
            if one.memory_peak is not None:
                found.peak = max(found.peak or 0, one.memory_peak)
            if one.duration_ns > found.most:
                found.most, found.slowest = one.duration_ns, one._inputs  # noqa: SLF001 - what nobody else is told
            found.status, found.clock = status, time.time_ns()
            if one.within is None or one.within.whole:
                self.rows = _sum(self.rows, one.row_count)
            if status == "failed" and len(self._failures) < _MOST_FAILURES:
                if error is not None:
                    leave(error, current.get())  # as what is around it does in a moment
                self._failures.append((self.failure(one, error), error and left_in(error)))

    def failure(self, one: Life, error: BaseException | None) -> Failure:
        """How an operation failed."""
        failure = Failure(
            kind=self._encoding.text(one.kind.name),
            name=self._encoding.text(one.name),
            operation_id=one.operation_id,
            timestamp=stamp(time.time_ns()),
            inputs=self._kept(one._inputs),  # noqa: SLF001 - as above
        )
        if error is not None:
            failure.error_type, failure.error_id = type_name(type(error)), id_of(error) or None
            failure.error = self._encoding.text(f"{failure.error_type}: {said(error)}")[:_LONGEST]
        return failure

    def first_failure(self, error: BaseException | None, whole: Failure) -> Failure:
        """What failed first.

        Args:
            error: the exception that left the run. The first operation that failed of it, or of what it was raised
                from, counts; where there is none, the first that failed at all.
            whole: the run itself: where nothing in it failed.
        """
        with self._lock:
            failures = list(self._failures)
        marks = [] if error is None else [left_in(link.error) for link in chain.of(error).links]
        for failure, mark in failures:
            if mark is not None and any(mark is one for one in marks):
                return failure
        return failures[0][0] if failures else whole

    def noticed(
        self, head: bytes, message: object, fields: Mapping[str, Any], error: BaseException | None, error_id: str | None
    ) -> None:
        """Add an error or a warning: a line from WARNING up.

        Args:
            head: the line's members level and logger; see `plainview.capture.recorder.Recorder.head`.
            message: what was said.
            fields: all that came with it.
            error: what went wrong.
            error_id: of the error: one that was counted before is not counted again.
        """
        with self._lock:
            if error_id:
                if error_id in self._error_ids:
                    return
                if len(self._error_ids) < _MOST_IDS:
                    self._error_ids.add(error_id)
            if head[_LEVEL] == _WARNING:
                self.warnings += 1
                issues = self._warnings
            else:
                self.errors += 1
                issues = self._errors
            key = (head, message if type(message) is str else "")
            found = self._issues.get(key)
            if found is not None:
                found.count += 1
                return
            if len(issues) >= _MOST_ISSUES:
                return
            told = msgspec.json.decode(b"{%b}" % head[3 : head.rindex(b',"message":')])
            issue = Issue(timestamp=stamp(time.time_ns()), message="", level=told["level"], logger=told["logger"])
            self._issues[key] = issue
            issues.append(issue)
        # Not under the lock: what is logged may do anything when it is asked what it is.
        text = self._encoding.text
        if error is not None:
            issue.error_type, issue.error = type_name(type(error)), text(said(error))[:_LONGEST]
        # An exception that is told of without a line has no message.
        issue.message, issue.error_id = text(message)[:_LONGEST] or issue.error, error_id or ""
        kept = {key: summary(value) for key, value in list(fields.items())[:_MOST_FIELDS] if key not in _NO_FIELDS}
        issue.context = self._kept(kept)

    def _kept(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self._encoding.fields(fields))
        return found

    def figures(self, duration_ns: int) -> dict[str, OperationFigures]:
        """The operations by kind and name, slowest first.

        Args:
            duration_ns: of the run, for their shares.
        """
        text = self._encoding.text
        with self._lock:
            found = sorted(self._figures.items(), key=lambda item: -item[1].total)
            return {
                text(f"{kind} {name}"): OperationFigures(
                    kind=text(kind),
                    name=text(name),
                    count=each.count,
                    failed=each.failed,
                    duration_seconds=each.total / 1e9,
                    mean_seconds=each.total / each.count / 1e9,
                    max_seconds=each.most / 1e9,
                    share=round(each.total / max(duration_ns, 1), 4),
                    status=each.status,
                    timestamp=stamp(each.clock),
                    cpu_seconds=each.cpu / 1e9,
                    memory_peak_bytes=each.peak,
                    memory_delta_bytes=each.delta,
                    rows=each.rows,
                    slowest=self._kept(each.slowest),
                )
                for (kind, name), each in found
            }

    def issues(self) -> Issues:
        """Errors and warnings, the first of those that are alike."""
        with self._lock:
            return Issues(errors=list(self._errors), warnings=list(self._warnings))


def _sum(known: int | None, more: int | None) -> int | None:
    return known if more is None else (known or 0) + more
