"""httpx: a CLIENT span and the context's headers for each request, sync and async."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.integrations.client import calling
from plainview.integrations.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install"]

_THEIRS: Final = ("opentelemetry.instrumentation.httpx", "HTTPXClientInstrumentor")


def install(module: ModuleType) -> None:
    """Capture the requests of all clients. ``module`` is ``httpx``."""
    replace(module.Client, "send", _sync)
    replace(module.AsyncClient, "send", _async)


def _sync(send: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, request: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
        with calling(request.method, str(request.url), request.headers, _THEIRS) as call:
            response = send(self, request, **kwargs)
            call.answered(response.status_code)
            return response

    return wrapper


def _async(send: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(self: Any, request: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
        with calling(request.method, str(request.url), request.headers, _THEIRS) as call:
            response = await send(self, request, **kwargs)
            call.answered(response.status_code)
            return response

    return wrapper
