"""What people change: issues and what was decided about them, keys. Beside the store, whose rows never change."""

from __future__ import annotations

from plainview.state.database import Database, StateError, open_state

__all__ = ["Database", "StateError", "open_state"]
