"""Foreign members of the W3C ``baggage`` header, kept in OpenTelemetry's context where its API finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.capture.propagation import add_baggage

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["inject_baggage", "with_baggage"]


def with_baggage(text: str | None, context: Any) -> Any:  # noqa: ANN401 - opentelemetry.context.Context or None
    """An OpenTelemetry context that has the members of a ``baggage`` header; the same one when there is no header."""
    if not text:
        return context
    from opentelemetry.baggage.propagation import W3CBaggagePropagator  # noqa: PLC0415 - few requests have it

    return W3CBaggagePropagator().extract({"baggage": text}, context)


def inject_baggage(headers: MutableMapping[str, str], context: Any) -> None:  # noqa: ANN401 - as above
    """Add what the context has to the ``baggage`` header, behind what stands there."""
    from opentelemetry.baggage import get_all  # noqa: PLC0415 - few contexts have any
    from opentelemetry.baggage.propagation import W3CBaggagePropagator  # noqa: PLC0415 - only where baggage is used

    if not get_all(context):
        return
    carrier: dict[str, str] = {}
    W3CBaggagePropagator().inject(carrier, context)
    add_baggage(headers, list(filter(None, carrier.get("baggage", "").split(","))))
