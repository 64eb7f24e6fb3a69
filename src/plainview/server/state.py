"""What the routes work with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

if TYPE_CHECKING:
    from pathlib import Path

    from plainview.ingest.pipeline import Pipeline
    from plainview.server.access import Token
    from plainview.server.questions import Questions
    from plainview.server.tail import Tails
    from plainview.state import Database
    from plainview.store.interface import Store

__all__ = ["Here", "State"]


@dataclass(slots=True)
class State:
    """The parts of a running server."""

    store: Store
    database: Database
    pipeline: Pipeline
    directory: Path
    questions: Questions
    tails: Tails
    token: Token | None = None
    #: What the requests in Sentry's protocol share; made by the first.
    sentry: Any = None
    started: float = field(default_factory=time.monotonic)

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return round(time.monotonic() - self.started, 3)

    def stop(self) -> None:
        """Take no more questions, end those under way and the streams."""
        self.tails.close()
        self.questions.close()


def _state(request: Request) -> State:
    state: State = request.app.state.plainview
    return state


#: The server's parts, as a parameter of a route.
Here = Annotated[State, Depends(_state)]
