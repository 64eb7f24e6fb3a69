"""What is wrong with a metric, a label or a value: an error where code is written, counted where it serves users."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from plainview.capture import runtime

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_VALUE", "MetricError", "label_value", "misuse", "note", "number", "valid_labels", "valid_name"]

#: Longest label value, characters.
MAX_VALUE: Final = 512

_STRICT: Final = frozenset({"development", "testing"})
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_LABEL: Final = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*\Z")
_NOT_NAME: Final = re.compile(r"[^a-zA-Z0-9_:]")
_MISUSES: Final = "plainview_metric_misuses_total"

_said: set[tuple[str, str]] = set()


class MetricError(ValueError):
    """A metric is declared or used as it cannot be; the message names it and says what it takes."""


def is_strict() -> bool:
    """Whether a mistake is to raise: in the environments development and testing."""
    found = runtime._current  # noqa: SLF001 - `runtime()` would configure
    if found is not None:
        return found.settings.environment in _STRICT
    return (os.environ.get("PLAINVIEW_ENVIRONMENT") or "development") in _STRICT


def misuse(metric: str, reason: str, message: str) -> None:
    """Raise, or count and say it once, as the environment has it.

    Args:
        metric: its name.
        reason: a word or two, the same each time: it is a label.
        message: what is wrong, and what it may be.

    Raises:
        MetricError: in development and testing.
    """
    if is_strict():
        raise MetricError(message)
    note(metric, reason, message)


def note(metric: str, reason: str, message: str) -> None:
    """Count something that is wrong, and say it once. The arguments are those of `misuse`."""
    from plainview.capture.metrics.instruments import counter  # noqa: PLC0415 - they stand on this

    counter(_MISUSES, "Uses of a metric that were wrong, and ignored.", ("metric", "reason")).labels(
        metric, reason
    ).inc()
    if (metric, reason) not in _said and len(_said) < 1000:  # noqa: PLR2004 - names are made up
        _said.add((metric, reason))
        warn(f"{message}; ignored and counted in {_MISUSES}", metric=metric)


def warn(message: str, **fields: object) -> None:
    """Say something as a log line, once there is somewhere to say it."""
    if runtime._current is not None:  # noqa: SLF001 - `runtime()` would configure
        runtime.get_logger("plainview.metrics").warning(message, **fields)


def valid_name(name: object) -> str:
    """The name of a metric, or what can be made of it.

    Raises:
        MetricError: it is none, in development and testing.
    """
    if isinstance(name, str) and _NAME.match(name):
        return name
    repaired = _NOT_NAME.sub("_", str(name)[:MAX_VALUE]) or "_"
    repaired = f"_{repaired}" if repaired[0].isdigit() else repaired
    misuse(repaired, "name", f"{_shown(name)} is no name of a metric: letters, digits, _ and :, no digit first")
    return repaired


def valid_labels(metric: str, labels: Iterable[object], reserved: frozenset[str]) -> tuple[str, ...]:
    """The label names of a metric, without those that cannot be.

    Raises:
        MetricError: one cannot be, in development and testing.
    """
    kept: list[str] = []
    for label in (labels,) if isinstance(labels, str) else labels:
        if not isinstance(label, str) or not _LABEL.match(label):
            what = "is no name of a label: letters, digits and _, no digit and no __ first"
        elif label in reserved:
            what = "is a label that such a metric has anyway"
        elif label in kept:
            what = "is given twice"
        else:
            kept.append(label)
            continue
        misuse(metric, "label name", f"{metric}: {_shown(label)} {what}")
    return tuple(kept)


def label_value(value: object) -> str:
    """A label value as it is kept: text of bounded length that every reader can take.

    Raises:
        Exception: whatever the value's ``__str__`` raises.
    """
    text = str.__str__(value) if isinstance(value, str) else str(value)
    if len(text) > MAX_VALUE:
        text = text[: MAX_VALUE - 1] + "…"
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def number(metric: str, value: object, *, least: float | None = None) -> float | None:
    """A value as a float that can be added; None: it cannot, and that was counted.

    Raises:
        MetricError: it cannot, in development and testing.
    """
    if isinstance(value, (str, bytes)):
        found = None
    else:
        try:
            found = float(value)  # type: ignore[arg-type] # whatever it is
        except Exception:  # noqa: BLE001 - a value of the application's own kind
            found = None
    if found is None or found - found != 0:
        misuse(metric, "not a number", f"{metric}: {_shown(value)} is not a finite number")
        return None
    if least is not None and found < least:
        misuse(metric, "negative", f"{metric}: a counter cannot be changed by {_shown(value)}: it only rises")
        return None
    return found


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a value of the application's own kind
        text = f"a {type(value).__name__}"
    return text if len(text) < 100 else text[:100] + "…"  # noqa: PLR2004 - for people
