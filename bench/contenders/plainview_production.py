"""Plainview with its production profile: the spool, and the rotating file beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.contenders import plainview_spool

if TYPE_CHECKING:
    from pathlib import Path

    from bench.contenders import Logs


def logs(folder: Path) -> Logs:
    return plainview_spool.logs(folder, file="{dir}/logs/{service}.log")
