"""The HTTP side: one process that takes records in, answers questions and serves the screen."""

from __future__ import annotations

from plainview.server.detached import CannotStart, ensure_running

__all__ = ["CannotStart", "ensure_running"]
