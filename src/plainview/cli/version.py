"""``plainview version``."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of

import typer

__all__ = ["version"]


def version() -> None:
    """Show the version."""
    typer.echo(f"plainview {version_of('plainview')} (Python {platform.python_version()}, {platform.system()})")
