"""The items that an operation works through, as a batch has them."""

from __future__ import annotations

import os
from _thread import allocate_lock
from typing import TYPE_CHECKING, Any, Final, Self

from plainview.capture.operations.chronicle import failing

if TYPE_CHECKING:
    from types import TracebackType

    from plainview.capture.operations.operation import Operation

__all__ = ["Item"]

#: Items may end in several threads at once.
_counting = allocate_lock()


class Item:
    """One item of an operation."""

    __slots__ = ("_fields", "_of")

    def __init__(self, of: Operation, index: int, job_id: str | None) -> None:
        self._of: Final = of
        self._fields: Final = {"index": index, **({"item_job_id": job_id} if job_id is not None else {})}

    def __enter__(self) -> Self:
        self._of._tell("item started", self._fields)  # noqa: SLF001 - a part of it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        told = self._of._telling  # noqa: SLF001 - as above
        if told is not None:
            try:
                self._ended(error)
            except Exception as failure:  # noqa: BLE001 - never into the application
                told.failed(failure)

    def _ended(self, error: BaseException | None) -> None:
        of, status = self._of, "completed" if error is None else "failed"
        told = of._telling  # noqa: SLF001 - a part of it
        if told is None:
            return
        told.feed("items", status=status)
        key = "succeeded" if error is None else "failed"
        with _counting:
            counts = of._results  # noqa: SLF001 - as above
            of._results = counts = {**counts, key: counts.get(key, 0) + 1}  # noqa: SLF001 - as above
        total = of._fields.get("items")
        reached: dict[str, Any] = {"done": counts.get("succeeded", 0) + counts.get("failed", 0)}
        if type(total) is int:
            reached["total"] = total
        if error is None:
            of._tell("item completed", {**self._fields, "status": status})  # noqa: SLF001 - as above
        else:
            self._failed(of, error, {**self._fields, "status": status})
        of._reach(reached)  # noqa: SLF001 - as above

    @staticmethod
    def _failed(of: Operation, error: BaseException, fields: dict[str, Any]) -> None:
        found = failing()
        reason = found.reason_of(error)
        of._tell("item failed", {**fields, "reason": reason})  # noqa: SLF001 - a part of it
        told = of._told  # noqa: SLF001 - as above
        error_id = None
        if told is not None and found.outcome(error) == "failed":
            error_id = found.occurrence_of(error, told.runtime.recorder)
        of._record(  # noqa: SLF001 - as above
            "item", data=fields, reason=reason, error_type=type(error).__name__, error_id=error_id
        )


def _in_child() -> None:
    global _counting  # noqa: PLW0603 - another thread of the parent may have held it
    _counting = allocate_lock()


os.register_at_fork(after_in_child=_in_child)
