"""Opening the file, whatever state the last process left it in.

A killed process is no damage: the engine replays its write-ahead log, up to the last whole commit. Real damage (a
checksum that does not match, a file cut short) is kept aside under ``aside/``, said in words, and the store opens with
what is sound. What the log lost since the last checkpoint comes back from the spool, whose segments are kept that long.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import duckdb

from plainview.store.interface import StoreBusy, StoreError, StoreFull, StoreTooNew

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ASIDE", "DATABASE", "is_full", "open_database"]

DATABASE: Final = "plainview.duckdb"
ASIDE: Final = "aside"

_LOG_DAMAGED: Final = re.compile(r"replaying WAL file")
_LOG_SOUND_UP_TO: Final = re.compile(r"entry at byte position (\d+)")
_FILE_DAMAGED: Final = re.compile(
    r"Corrupt database file|not a valid DuckDB database file|Could not read enough bytes|"
    r"Serialization Error|Failed to (?:de)?serialize|INTERNAL Error"
)
_NEWER: Final = re.compile(r"newer version of DuckDB|can only read versions? between|storage version", re.IGNORECASE)
_FULL: Final = re.compile(r"No space left on device|Disk quota exceeded|not enough (?:disk )?space", re.IGNORECASE)

#: More than the ways in which a file can be damaged: each try sets something aside, or fails for good.
_TRIES: Final = 8


def is_full(error: Exception) -> bool:
    """Whether an error of the engine says that the disk is full."""
    return bool(_FULL.search(str(error)))


def open_database(directory: Path, config: Mapping[str, Any]) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """Open (or make) the file in a directory.

    Returns:
        The connection, and what had to be set aside, in words for a person.

    Raises:
        StoreBusy: another process has it open.
        StoreTooNew: a newer engine wrote it.
        StoreFull: no room to open it.
        StoreError: it cannot be opened, and it is not known to be damaged, so it was left as it is.
    """
    path = directory / DATABASE
    log = directory / f"{DATABASE}.wal"
    marker = directory / "opening"
    notes: list[str] = []
    if marker.exists() and log.exists():
        # The last process ended while it opened the file: it was killed, or the engine took it down.
        _rehearse(path, log, config, notes)
    for _ in range(_TRIES):
        marker.touch()
        try:
            connection = duckdb.connect(str(path), config=dict(config))
        except duckdb.Error as error:
            marker.unlink(missing_ok=True)
            _repair(error, path, log, notes)
        else:
            marker.unlink(missing_ok=True)
            return connection, notes
    msg = f"{path} cannot be opened: {'; '.join(notes)}"
    raise StoreError(msg)


def _rehearse(path: Path, log: Path, config: Mapping[str, Any], notes: list[str]) -> None:
    """Replay the log in a process of its own, so that an engine that dies of it takes only that process down."""
    code = (
        "import duckdb, sys, json\n"
        "try:\n"
        "    duckdb.connect(sys.argv[1], config=json.loads(sys.argv[2])).execute('CHECKPOINT')\n"
        "except duckdb.Error:\n"
        "    pass\n"  # an error that is an exception is dealt with where it comes up again
    )
    import json  # noqa: PLC0415 - needed on this rare path only

    done = subprocess.run(  # noqa: S603 - our own interpreter, our own code
        [sys.executable, "-c", code, str(path), json.dumps(dict(config))], check=False, capture_output=True
    )
    if done.returncode:
        kept = _set_aside(log, move=True)
        notes.append(f"replaying {log.name} ended the engine (code {done.returncode}): it was set aside as {kept}")


def _set_aside(path: Path, *, move: bool) -> Path:
    """Keep a file under ``aside/``, by moving or by copying it. Gives where it is now."""
    folder = path.parent / ASIDE
    folder.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    kept = folder / f"{stamp}-{path.name}"
    if move:
        path.replace(kept)
    else:
        shutil.copyfile(path, kept)
    return kept


def _repair(error: duckdb.Error, path: Path, log: Path, notes: list[str]) -> None:
    """Set aside what the error says is damaged, or raise what it means."""
    text = str(error).partition("\n")[0]
    if "lock on file" in text:
        msg = f"another process has {path} open: {text}"
        raise StoreBusy(msg) from error
    if _FULL.search(text):
        msg = f"no room on the disk to open {path}: {text}"
        raise StoreFull(msg) from error
    if _NEWER.search(text):
        msg = f"{path} was written by a newer DuckDB than {duckdb.__version__}: {text}"
        raise StoreTooNew(msg) from error
    if _LOG_DAMAGED.search(text) and log.exists():
        sound = _LOG_SOUND_UP_TO.search(text)
        if sound and 0 < int(sound[1]) < log.stat().st_size:
            kept = _set_aside(log, move=False)
            with log.open("r+b") as file:
                file.truncate(int(sound[1]))
            notes.append(
                f"{log.name} is damaged at byte {sound[1]}: what comes before it is used, a copy is kept as {kept}"
            )
        else:
            kept = _set_aside(log, move=True)
            notes.append(f"{log.name} is damaged: it was set aside as {kept} ({text})")
    elif _FILE_DAMAGED.search(text) and path.exists():
        kept = _set_aside(path, move=True)
        if log.exists():
            _set_aside(log, move=True)
        notes.append(f"{path.name} is damaged: it was set aside as {kept}, a new one was begun ({text})")
    else:
        msg = f"{path} cannot be opened: {text}"
        raise StoreError(msg) from error
