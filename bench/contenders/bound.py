"""A context for the standard `logging`, which has none: a filter over a context variable, as its cookbook shows.

https://docs.python.org/3/howto/logging-cookbook.html#use-of-contextvars
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any, Final

from bench.workload import CONTEXT

bound: Final[ContextVar[dict[str, Any]]] = ContextVar("bound", default=CONTEXT)


class Bound(logging.Filter):
    """Puts what is bound on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with what is bound."""
        record.__dict__.update(bound.get())
        return True
