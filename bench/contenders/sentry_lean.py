"""Sentry's SDK without the local variables, which it sends by default and others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.contenders import sentry

if TYPE_CHECKING:
    from pathlib import Path

    from bench.contenders import Errors


def errors(folder: Path) -> Errors:
    return sentry.errors(folder, include_local_variables=False)
