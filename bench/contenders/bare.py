"""Nobody: the application as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.contenders import Web
from bench.workload import application

if TYPE_CHECKING:
    from pathlib import Path


def web(_folder: Path) -> Web:
    return Web(application(None))
