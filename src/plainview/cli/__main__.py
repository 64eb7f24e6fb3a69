"""``python -m plainview.cli``: the same as ``plainview``."""

from __future__ import annotations

from plainview.cli import main

main()
