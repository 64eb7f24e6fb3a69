"""How long Celery's queues are, and how many workers consume them: told by each worker's main process."""

from __future__ import annotations

import threading
from typing import Any, Final

from plainview.capture.daemon import begin
from plainview.capture.metrics.families import feed
from plainview.capture.runtime import runtime

__all__ = ["Queues"]


#: The broker is asked no more often than this.
_LEAST_SECONDS: Final = 5.0


class Queues:
    """The queues that one worker consumes.

    Args:
        app: the worker's Celery application.
    """

    #: Set when the worker is about to end.
    stopping: Final = threading.Event()

    def __init__(self, app: Any) -> None:  # noqa: ANN401 - celery.Celery
        self._app = app
        self._names: Final = sorted(app.amqp.queues.consume_from)

    def watch(self) -> None:
        """Begin to look, in a thread: the broker may take its time, or be away."""
        for name in self._names:
            feed("celery_workers_active").labels(queue=name).set(1)
        begin(threading.Thread(target=self._run, name="plainview-queues", daemon=True))

    def _run(self) -> None:
        while True:
            try:
                with self._app.connection_for_read() as connection:
                    for name in self._names:
                        # Asks for a queue without making one.
                        found = connection.default_channel.queue_declare(queue=name, passive=True)
                        feed("celery_queue_length").labels(queue=name).set(found.message_count)
            except Exception:  # noqa: BLE001, S110 - a broker that is away is the worker's trouble, and known there
                pass
            if self.stopping.wait(max(_LEAST_SECONDS, runtime().settings.metrics_interval)):
                break
        for name in self._names:
            feed("celery_workers_active").labels(queue=name).set(0)
