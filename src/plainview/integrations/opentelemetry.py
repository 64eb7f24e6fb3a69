"""Applications that run the OpenTelemetry SDK: each provider of theirs gets a processor that records its spans here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.capture.processor import SpanProcessor
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install"]

_KEY = "__plainview__"


def install(module: ModuleType) -> None:
    """Add our processor to each provider that is made. ``module`` is ``opentelemetry.sdk.trace``."""
    replace(module.TracerProvider, "add_span_processor", _adding)
    replace(module.TracerProvider, "__init__", _making)


def _making(make: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, N807 - passes through
        make(self, *args, **kwargs)
        try:
            self.add_span_processor(SpanProcessor())
        except Exception as error:  # noqa: BLE001 - the application goes on without
            failed(error)

    return __init__


def _adding(add: Callable[..., None]) -> Callable[..., None]:
    def add_span_processor(self: Any, span_processor: Any) -> None:  # noqa: ANN401 - passes through
        # The application may add one by itself: two would record each span twice.
        if (
            isinstance(span_processor, SpanProcessor)
            and vars(self).setdefault(_KEY, span_processor) is not span_processor
        ):
            return
        add(self, span_processor)

    return add_span_processor
