"""requests: a CLIENT span and the context's headers for each request; redirects are part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.integrations.client import calling
from plainview.integrations.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install"]

_THEIRS: Final = ("opentelemetry.instrumentation.requests", "RequestsInstrumentor")


def install(module: ModuleType) -> None:
    """Capture the requests of all sessions. ``module`` is ``requests.sessions``."""

    def make(send: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(self: Any, request: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            with calling(request.method or "", request.url or "", request.headers, _THEIRS) as call:
                response = send(self, request, **kwargs)
                call.answered(response.status_code)
                return response

        return wrapper

    replace(module.Session, "send", make)
