"""The state of the code that runs: commit, branch, and whether files differ from the commit.

`git` is asked, once and shortly: one that hangs (a file system that is away, a repository of a million files) is ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["state"]

#: Seconds for the whole state, and for the commit alone where that took too long.
_PATIENCE: Final = 1.0
_SHORT: Final = 0.3
#: No optional locks: another git at work in the folder is not disturbed. No monitor: none of its hooks is run.
_GIT: Final = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks")


def state(directory: str) -> dict[str, Any]:
    """``git_commit``, ``git_branch``, ``git_dirty`` of the program's folder, else of the one that it works in.

    Files that git does not know count for nothing. Empty where there is no repository, or no git; without
    ``git_dirty`` where that takes longer than a second.

    Args:
        directory: that it works in; may be empty.
    """
    for folder in dict.fromkeys(filter(None, (_program_folder(), directory))):
        found = _of(folder)
        if found:
            return found
    return {}


def _program_folder() -> str:
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.dirname(os.path.abspath(path)) if isinstance(path, str) else ""


def _of(folder: str) -> dict[str, Any]:
    said = _ask(folder, _PATIENCE, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if said is None:
        commit = _ask(folder, _SHORT, "rev-parse", "--verify", "HEAD")
        return {"git_commit": commit.strip()} if commit else {}
    found: dict[str, Any] = {}
    for line in said.splitlines():
        # https://git-scm.com/docs/git-status#_branch_headers
        if line.startswith("# branch.oid ") and not line.endswith("(initial)"):
            found["git_commit"] = line[13:]
        elif line.startswith("# branch.head ") and line[14:] != "(detached)":
            found["git_branch"] = line[14:]
    if found:
        found["git_dirty"] = any(line[:1] not in {"#", ""} for line in said.splitlines())
    return found


def _ask(folder: str, patience: float, *words: str) -> str | None:
    """What git answers, empty where it refuses; None: it took too long."""
    import subprocess  # noqa: PLC0415 - 10 ms that only a run is to pay for

    try:
        process = subprocess.Popen(  # noqa: S603 - words of ours
            [*_GIT, *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # its own children are ended with it
        )
    except OSError:
        return ""
    try:
        output, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        _end(process)
        return None
    except BaseException:  # Ctrl-C
        _end(process)
        raise
    return output.decode(errors="replace") if process.returncode == 0 else ""


def _end(process: Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()
    with contextlib.suppress(Exception):  # one that waits for a device cannot be killed, and is not waited for
        process.wait(_SHORT)
