"""OpenTelemetry's SDK with an exporter that encodes for OTLP and throws away: nearer to what one pays in earnest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.contenders import opentelemetry_sdk
from bench.contenders.counting import EncodingSpans

if TYPE_CHECKING:
    from pathlib import Path

    from bench.contenders import Spans


def spans(folder: Path) -> Spans:
    return opentelemetry_sdk.spans(folder, EncodingSpans())
