"""As structlog with OpenTelemetry, without the spans of ``receive`` and ``send`` that it makes unless told not to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.contenders import structlog_opentelemetry

if TYPE_CHECKING:
    from pathlib import Path

    from bench.contenders import Web


def web(folder: Path) -> Web:
    return structlog_opentelemetry.web(folder, exclude_spans=["receive", "send"])
