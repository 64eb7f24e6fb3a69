"""`capture_exception` and `capture_message`: errors that the application tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.capture.recorder import exception_of
from plainview.capture.runtime import runtime
from plainview.records import LEVEL_NAMES, level_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["capture_exception", "capture_message"]


def capture_exception(
    error: BaseException | None = None,
    /,
    *,
    level: str | int = "ERROR",
    component: str = "",
    tags: Mapping[str, Any] | None = None,
    fingerprint: Sequence[str] | None = None,
    **fields: Any,  # noqa: ANN401 - any value may be told
) -> str | None:
    """Make an error of an exception, as logging it with its stack trace does, without a line in the log.

    An exception that is an error already is not told twice: its first id is returned.

    Args:
        error: the exception; the one that is being handled when left out.
        level: how bad it is, by name or number.
        component: the part of the application that it belongs to.
        tags: short values to search by.
        fingerprint: groups it with those of the same one; ``{{ default }}`` stands for what would be used without.
        fields: whatever else is to be known; the context fields have places of their own.

    Returns:
        The error's id; None where there is none: no exception, `capture_errors` is off, or it was only counted.

    Raises:
        ValueError: there is no such level.
    """
    name = LEVEL_NAMES[level_number(level)]
    found = exception_of(True if error is None else error)
    if found is None:
        return None
    errors = runtime().recorder.errors
    more = _more(component, fingerprint)
    return errors.capture(found, mechanism="manual", level=name, fields=fields, more=more, context=_tagged(tags))


def capture_message(
    message: object,
    /,
    level: str | int = "INFO",
    *,
    component: str = "",
    tags: Mapping[str, Any] | None = None,
    fingerprint: Sequence[str] | None = None,
    **fields: Any,  # noqa: ANN401 - any value may be told
) -> str | None:
    """Make an error of a message: something went wrong that is no exception. Otherwise as `capture_exception`.

    Raises:
        ValueError: there is no such level.
    """
    name = LEVEL_NAMES[level_number(level)]
    return runtime().recorder.errors.say(message, name, fields, _more(component, fingerprint), _tagged(tags))


def _more(component: str, fingerprint: Sequence[str] | None) -> dict[str, Any]:
    more: dict[str, Any] = {"component": component} if component else {}
    if fingerprint:
        more["fingerprint"] = [str(part) for part in ([fingerprint] if isinstance(fingerprint, str) else fingerprint)]
    return more


def _tagged(tags: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {"tags": dict(tags)} if tags else None
