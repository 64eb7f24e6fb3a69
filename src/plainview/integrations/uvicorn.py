"""uvicorn: requests of any application that it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.integrations.asgi import Middleware
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install"]


def install(module: ModuleType) -> None:
    """Wrap each application when it is loaded. ``module`` is ``uvicorn.config``."""

    def make(load: Callable[..., Any]) -> Callable[..., Any]:
        def load_and_wrap(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
            result = load(self, *args, **kwargs)
            try:
                _wrap(self, getattr(module, "ProxyHeadersMiddleware", ()))
            except Exception as error:  # noqa: BLE001 - the application is served without
                failed(error)
            return result

        return load_and_wrap

    replace(module.Config, "load", make)


def _wrap(config: Any, proxy_headers: Any) -> None:  # noqa: ANN401 - uvicorn's Config and middleware
    outermost = config.loaded_app
    if isinstance(outermost, proxy_headers):
        # Inside of it: there the client's address is the client's, not the proxy's.
        outermost.app = Middleware(outermost.app)
    else:
        config.loaded_app = Middleware(outermost)
