"""How operations fail: where an exception came from first, why, and the occurrence that tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from plainview.capture.errors.occurrence import id_of
from plainview.capture.operations.summary import summary
from plainview.context import left_in

if TYPE_CHECKING:
    from plainview.capture.recorder import Recorder

__all__ = ["failed_in", "failed_stage", "occurrence_of", "outcome", "reason_of", "type_of"]

#: Attribute of an exception that holds kind and name of the operation that it left first. Text: it goes along where the
#: exception is pickled into another process.
_KEY: Final = "__plainview_failed_in__"
#: The same for the name of the stage that it left first.
_STAGE: Final = "__plainview_failed_stage__"
_attributes: Final = vars(BaseException)["__dict__"].__get__
_LONGEST_CHAIN: Final = 20


def outcome(error: BaseException) -> str:
    """How an operation ends that an exception leaves: ``failed``, or ``cancelled``: by Ctrl-C, exit, from outside."""
    cancelled = not isinstance(error, Exception) or type(error).__name__ in {"CancelledError", "GeneratorExit"}
    return "cancelled" if cancelled else "failed"


def failed_in(error: BaseException, here: str) -> str:
    """Kind and name of the innermost operation that failed with an exception, or with one that led to it.

    Args:
        error: what leaves an operation.
        here: kind and name of that operation: it is the innermost one, unless another one is known.
    """
    found = _noted(error, _KEY)
    _attributes(error).setdefault(_KEY, found or here)
    return found or here


def failed_stage(error: BaseException, here: str = "") -> str:
    """Name of the innermost stage that failed with an exception, or with one that led to it; empty: none did.

    Args:
        error: what leaves an operation.
        here: name of that operation, if it is a stage.
    """
    found = _noted(error, _STAGE) or here
    if found:
        _attributes(error).setdefault(_STAGE, found)
    return found


def _noted(error: BaseException, key: str) -> str:
    """What the first one of a chain of exceptions has for an attribute; empty: nothing."""
    found = ""
    cause: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if cause is None:
            break
        noted = _attributes(cause).get(key)
        if type(noted) is str:
            found = noted
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return found


def reason_of(reason: object) -> str:
    """Why, in few words: an exception as ``Type: message``, text as it is, anything else as a summary has it."""
    if isinstance(reason, BaseException):
        return f"{type(reason).__name__}: {summary(_text(reason))}"
    return str(summary(reason))


def type_of(reason: object) -> str:
    """Name of the type of what went wrong; empty where that is told in words."""
    return type(reason).__name__ if isinstance(reason, BaseException) else ""


def occurrence_of(error: BaseException, recorder: Recorder) -> str | None:
    """The id of the occurrence that tells, or will tell, of an exception that leaves an operation; None: none does."""
    known = id_of(error)
    if known is None:
        recorder.errors.left(error)  # told in a second, unless somebody else tells of it by then
        left = left_in(error)
        known = id_of(error) or (left.error_id if left is not None else None)
    return known or None


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - the application's own __str__
        return f"[__str__ raised {type(failure).__name__}]"
