"""Making exceptions, and reading the errors that they became."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from captured import read

if TYPE_CHECKING:
    from captured import Capture


def errors(capture: Capture) -> list[dict]:
    """All errors, by time."""
    return read(capture.directory, "error")


def only(capture: Capture) -> dict:
    """The one error that there is."""
    (record,) = errors(capture)
    return record


def raised(error: BaseException) -> BaseException:
    """The exception, after it was raised and caught."""
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - any of them
        return caught


def printed(error: BaseException) -> str:
    """What the interpreter prints of it."""
    return "".join(traceback.format_exception(error))


def divide(by: int) -> float:
    """Fails for nought."""
    return 1 / by
