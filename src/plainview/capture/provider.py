"""Plainview behind `opentelemetry-api`: every OpenTelemetry instrumentation makes our spans.

Two private names of the API are set, each guarded: its runtime context, so that one context variable serves both
(`plainview.context`), and its provider, without using up the one chance that an application has to set its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import opentelemetry.context as otel_context
from opentelemetry import trace
from opentelemetry.context.context import Context, _RuntimeContext
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation import _SPAN_KEY

from plainview.context import Frame, current, reset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextvars import Token

    from plainview.capture.spans import Span, Tracing

__all__ = ["RuntimeContext", "Tracer", "TracerProvider", "install"]

_EMPTY: Final = Context()


class RuntimeContext(_RuntimeContext):
    """OpenTelemetry's context, kept in our frame."""

    def __init__(self, previous: _RuntimeContext) -> None:
        self._previous: Final = previous

    def attach(self, context: Context) -> Token[Any]:
        """Make a context current; give the token back to `detach`."""
        span = context.get(_SPAN_KEY)
        frame = current.get()
        return current.set(Frame(frame.bound, span, b"" if span is None else None, context, frame.operation))

    def get_current(self) -> Context:
        """What is current, with our span in it."""
        frame = current.get()
        otel: Context | None = frame.otel
        if otel is None:
            otel = self._previous.get_current()
        if frame.span is None or otel.get(_SPAN_KEY) is frame.span:
            return otel
        merged = Context({**otel, _SPAN_KEY: frame.span})
        frame.otel = merged
        return merged

    def detach(self, token: Token[Any]) -> None:
        """Restore what was current before. A token from before we came goes where it belongs."""
        if token.var is current:
            reset(token)
        else:
            self._previous.detach(token)


class Tracer(trace.Tracer):
    """Makes our spans for one instrumentation scope."""

    def __init__(self, tracing: Callable[[], Tracing], scope: str) -> None:
        self._tracing: Final = tracing
        self._scope: Final = scope

    def start_span(  # noqa: PLR0913, PLR0917 - OpenTelemetry's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
    ) -> Span:
        """Start a span without making it current."""
        span = self._tracing().start(
            name,
            dict(attributes or {}),
            frame=None if context is None else Frame(current.get().bound, context.get(_SPAN_KEY)),
            kind=kind.name,
            scope=self._scope,
            start_time=start_time,
            links=links or (),
            activate=False,
        )
        span.record_exceptions, span.status_on_exception = record_exception, set_status_on_exception
        return span

    def start_as_current_span(  # noqa: PLR0913, PLR0917 - OpenTelemetry's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
        end_on_exit: bool = True,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
    ) -> Any:  # noqa: ANN401 - a context manager that is a decorator too
        """Start a span that is current in a ``with`` block or a decorated function."""

        def start() -> Span:
            span = self.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
            span.activate, span.end_on_exit = True, end_on_exit
            return span

        from plainview.capture.traced import Starter  # noqa: PLC0415 - few use the API's spans

        return Starter(start)


class TracerProvider(trace.TracerProvider):
    """The provider that `opentelemetry.trace.get_tracer_provider()` answers with, unless the app sets its own."""

    def __init__(self, tracing: Callable[[], Tracing]) -> None:
        self._tracing: Final = tracing

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,  # noqa: ARG002 - OpenTelemetry's signature
        schema_url: str | None = None,  # noqa: ARG002 - OpenTelemetry's signature
        attributes: Mapping[str, Any] | None = None,  # noqa: ARG002 - OpenTelemetry's signature
    ) -> Tracer:
        """A tracer for one instrumentation scope."""
        return Tracer(self._tracing, instrumenting_module_name or "")


def install(tracing: Callable[[], Tracing]) -> None:
    """Stand behind the API. An application that set up a provider, or does so later, keeps its own."""
    previous = getattr(otel_context, "_RUNTIME_CONTEXT", None)
    if isinstance(previous, _RuntimeContext) and not isinstance(previous, RuntimeContext):
        otel_context._RUNTIME_CONTEXT = RuntimeContext(previous)  # noqa: SLF001 - see the module's docstring
    present = getattr(trace, "_TRACER_PROVIDER", None)
    if present is None or isinstance(present, TracerProvider):
        trace._TRACER_PROVIDER = TracerProvider(tracing)  # noqa: SLF001 - see the module's docstring
