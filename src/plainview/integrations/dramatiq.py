"""Dramatiq: each message is a job; the sender's context, and whether it is tried again or dead-lettered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dramatiq.middleware import Middleware

from plainview.capture.runtime import runtime
from plainview.integrations import working
from plainview.integrations.deliveries import Delivery
from plainview.integrations.messages import System, send
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["Deliveries", "install"]

_SYSTEM: Final = System("dramatiq", ("opentelemetry.instrumentation.dramatiq", "DramatiqInstrumentor"))
#: Our option of a message: what it carries, and the attempt that was told of when it was enqueued.
_OPTION: Final = "plainview"
_KEY: Final = "__plainview__"


def install(module: ModuleType) -> None:
    """Each broker that is made tells us of its messages. ``module`` is ``dramatiq.broker``."""

    def make(initialize: Callable[..., None]) -> Callable[..., None]:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - dramatiq.Broker
            initialize(self, *args, **kwargs)
            # The first: it hears of a message before all others, and of its end after them, when they have decided.
            self.middleware.insert(0, Deliveries())

        return wrapper

    replace(module.Broker, "__init__", make)


class Deliveries(Middleware):
    """What a broker tells us of its messages."""

    def before_enqueue(self, broker: Any, message: Any, delay: int | None) -> None:  # noqa: ANN401, ARG002 - Dramatiq's hook
        """Tell of a job that waits: once for each attempt, however often its message goes from queue to queue."""
        try:
            attempt = _attempt(message)
            carried = dict(_carried(message))
            if runtime().settings.enabled and carried.get("attempt") != attempt:
                send(_SYSTEM, message.actor_name, message.message_id, carried, attempt=attempt, queue=_queue(message))
                carried["attempt"] = attempt
                message.options[_OPTION] = carried
        except Exception as error:  # noqa: BLE001 - the message is sent without
            failed(error)

    def before_process_message(self, broker: Any, message: Any) -> None:  # noqa: ANN401, ARG002 - Dramatiq's hook
        """Begin the job."""
        try:
            if runtime().settings.enabled:
                inputs = {"args": message.args, "kwargs": message.kwargs}
                carried = _carried(message)
                delivery = Delivery(
                    _SYSTEM, message.actor_name, message.message_id, carried, attempt=_attempt(message),
                    queue=_queue(message), inputs=inputs,
                )  # fmt: skip
                setattr(message, _KEY, delivery.start())
        except Exception as error:  # noqa: BLE001 - the message is worked on without
            failed(error)

    def after_process_message(
        self,
        broker: Any,  # noqa: ANN401, ARG002 - Dramatiq's hook
        message: Any,  # noqa: ANN401 - as above
        *,
        result: Any = None,  # noqa: ANN401, ARG002 - as above
        exception: BaseException | None = None,
    ) -> None:
        """End the job, as the other middleware has decided by now."""
        delivery: Delivery | None = getattr(message, _KEY, None)
        if delivery is None:
            return
        if exception is not None:
            delivery.fail(exception)
            if message.failed:
                delivery.given_up()
            elif _attempt(message) > delivery.attempt:
                delivery.tried_again()
        delivery.end()

    def after_skip_message(self, broker: Any, message: Any) -> None:  # noqa: ANN401, ARG002 - Dramatiq's hook
        """End a job that another middleware would not have done."""
        delivery: Delivery | None = getattr(message, _KEY, None)
        if delivery is not None:
            delivery.called_off("skipped")
            delivery.end()

    def after_process_boot(self, broker: Any) -> None:  # noqa: ANN401, ARG002 - Dramatiq's hook
        """A worker process begins."""
        working.begin("dramatiq")

    def after_worker_shutdown(self, broker: Any, worker: Any) -> None:  # noqa: ANN401, ARG002 - Dramatiq's hook
        """It ends."""
        working.end()


def _carried(message: Any) -> dict[str, Any]:  # noqa: ANN401 - a message, or a proxy of one
    found = message.options.get(_OPTION)
    return found if isinstance(found, dict) else {}


def _attempt(message: Any) -> int:  # noqa: ANN401 - a message, or a proxy of one
    return int(message.options.get("retries") or 0) + 1


def _queue(message: Any) -> str:  # noqa: ANN401 - as above
    return str(message.queue_name).removesuffix(".DQ")
