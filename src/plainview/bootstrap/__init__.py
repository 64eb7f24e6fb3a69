"""Starting to capture in programs that know nothing of Plainview: what `plainview run` puts on their path.

Python imports ``sitecustomize`` when it starts. The folder `PATH` holds one and nothing else, so that no module of ours
can be imported by mistake.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["PATH"]

#: The folder that goes in front of ``PYTHONPATH``.
PATH: Final = Path(__file__).parent / "path"
