"""What a run runs in: interpreter, platform, packages, command line, the state of the code."""

from __future__ import annotations

import os
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any, Final

from plainview.capture.runs import git

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainview.capture.scrub import Scrubber

__all__ = ["command", "environment", "packages", "working_directory"]

#: Folder names of installed distributions: https://packaging.python.org/specifications/recording-installed-packages/,
#: and those that setuptools made before that was agreed on.
_INSTALLED: Final = re.compile(r"^([A-Za-z0-9][\w.]*)-([A-Za-z0-9][\w.!+]*?)(?:-py[\d.]+)?\.(?:dist|egg)-info$")
_MOST_PACKAGES: Final = 2_000
_LONGEST: Final = 4_096
_LONGEST_WORD: Final = 512


def environment(scrubber: Scrubber) -> dict[str, Any]:
    """``python``, ``implementation``, ``platform``, ``host``, ``cpu_count``, ``directory``, ``command``, ``packages``,
    and what `git.state` finds. Takes some milliseconds: git is asked.
    """  # noqa: D205 - a list
    name = os.uname()
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "implementation": sys.implementation.name,
        "platform": f"{name.sysname} {name.release} {name.machine}",
        "host": name.nodename,
        "cpu_count": _processors(),
        "directory": working_directory(),
        "command": command(sys.orig_argv, scrubber),
        "packages": packages(sys.path),
        **git.state(working_directory()),
    }


def working_directory() -> str:
    """The working directory; empty where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _processors() -> int | None:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count()


def command(words: Sequence[str], scrubber: Scrubber) -> str:
    """A command line as it would be typed, with secrets hidden: ``--token=…``, and what follows ``--token``."""
    shown: list[str] = []
    hide = False
    for word in words:
        name, separator, _ = word.partition("=")
        option = name.startswith("-")
        if hide and not option:
            word = "[scrubbed]"  # noqa: PLW2901 - shown instead
        elif separator and scrubber.hides(name.lstrip("-")):
            word = f"{name}=[scrubbed]"  # noqa: PLW2901 - as above
        hide = option and not separator and scrubber.hides(name.lstrip("-"))
        shown.append(scrubber.text(word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}…"))
    text = scrubber.text(shlex.join(shown))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def packages(path: Sequence[str]) -> dict[str, str]:
    """Installed distributions and their versions, by the names of their folders: the first on the path counts.

    `importlib.metadata` reads a file of each for the same, which takes a hundred times as long.
    """
    found: dict[str, str] = {}
    for folder in dict.fromkeys(path):
        try:
            entries = os.listdir(folder or ".")
        except OSError:  # an archive, or nothing
            continue
        for entry in sorted(entries):
            match = _INSTALLED.match(entry) if entry.endswith("-info") else None
            if match and len(found) < _MOST_PACKAGES:
                found.setdefault(match[1].lower().replace("_", "-"), match[2])
    return dict(sorted(found.items()))
