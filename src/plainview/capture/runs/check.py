"""Checks of data quality: a value against thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from plainview.capture.operations.summary import summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.capture.encoding import Encoding

__all__ = ["LEVELS", "Result", "judge", "shown"]

Result = Literal["pass", "warning", "fail"]

#: Result → the level of its line, and the words that the check's name follows.
LEVELS: Final[dict[Result, tuple[int, str]]] = {
    "pass": (20, "check passed"),
    "warning": (30, "check gave a warning"),
    "fail": (40, "check failed"),
}
#: Threshold → what comes of a value that it does not hold. The gravest first.
_HELD: Final[dict[str, Result]] = {
    "equal": "fail",
    "min": "fail",
    "max": "fail",
    "warn_min": "warning",
    "warn_max": "warning",
}


def judge(value: Any, thresholds: Mapping[str, Any]) -> tuple[Result, str]:  # noqa: ANN401 - whatever can be compared
    """The result of a check, and why it is no ``pass``. Never raises.

    What cannot be compared, and NaN, holds no threshold. Without any threshold False fails, and all else passes.
    """
    for name, result in _HELD.items():
        if name in thresholds:
            try:
                held = _holds(name, value, thresholds[name])
            except Exception as error:  # noqa: BLE001 - the value's own comparison
                return "fail", f"cannot be compared with {name}: {type(error).__name__}"
            if not held:
                return result, f"{name} does not hold"
    return ("fail", "is false") if not thresholds and value is False else ("pass", "")


def _holds(name: str, value: Any, bound: Any) -> bool:  # noqa: ANN401 - as `judge`
    if name == "equal":
        return bool(value == bound)
    return bool(value >= bound if name.endswith("min") else value <= bound)


def shown(value: object, encoding: Encoding) -> object:
    """A value or a threshold as it is recorded: numbers and text as they are, all else in few words."""
    scalar = isinstance(value, (bool, int, float, str)) or value is None
    if scalar or (getattr(value, "shape", None) == () and hasattr(value, "item")):  # of NumPy and its like
        return encoding.safe(value)
    return encoding.safe(summary(value))
