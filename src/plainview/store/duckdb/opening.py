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
    from collections.abc import Callable, Mapping
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


def open_database(
    directory: Path, config: Mapping[str, Any], begin: Callable[[duckdb.DuckDBPyConnection], list[str]]
) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """Open (or make) the file in a directory.

    Args:
        directory: where it is.
        config: settings of the engine.
        begin: what is done first with the connection, and gives notes; damage may show there as well.

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
    copy = _copy(log)
    if marker.exists() and log.exists():
        # The last process ended while it opened the file: it was killed, or the engine took it down.
        _rehearse(path, log, copy, config, notes)
    for _ in range(_TRIES):
        marker.touch()
        try:
            return _open(path, config, begin, notes, copy)
        except duckdb.Error as error:
            try:
                _repair(error, path, log, copy, notes)
            except StoreError:
                if copy is not None:
                    copy.unlink(missing_ok=True)  # nothing was changed
                raise
        finally:
            marker.unlink(missing_ok=True)
    msg = f"{path} cannot be opened: {'; '.join(notes)}"
    raise StoreError(msg)


def _open(
    path: Path,
    config: Mapping[str, Any],
    begin: Callable[[duckdb.DuckDBPyConnection], list[str]],
    notes: list[str],
    copy: Path | None,
) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    connection = duckdb.connect(str(path), config=dict(config))
    try:
        found = _keep_tail(connection, path.with_name(f"{DATABASE}.wal"), copy) if copy and copy.exists() else []
        found += begin(connection)
    except BaseException:
        connection.close()
        raise
    return connection, [*notes, *found]


def _keep_tail(connection: duckdb.DuckDBPyConnection, log: Path, copy: Path) -> list[str]:
    """Keep of the log's copy what the engine did not use: it cuts that off without a word.

    Where it went on shows by the size of the file after two writes of the same length.
    """
    used = 0
    if connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'meta'").fetchone() == (1,):
        sizes = []
        for _ in range(2):
            connection.execute("INSERT INTO hot.meta VALUES ('opened', '')")
            sizes.append(log.stat().st_size)
        connection.execute("DELETE FROM hot.meta WHERE key = 'opened'")
        used = max(0, 2 * sizes[0] - sizes[1])
    with copy.open("rb") as file:
        file.seek(used)
        tail = file.read()
    copy.unlink()
    if not tail.strip(b"\0"):
        return []
    kept = copy.with_name(f"{copy.name}-from-{used}")
    kept.write_bytes(tail)
    return [f"{log.name}: its last {len(tail)} bytes are no whole commit, a crash or damage; they are kept as {kept}"]


def _rehearse(path: Path, log: Path, copy: Path | None, config: Mapping[str, Any], notes: list[str]) -> None:
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
    if done.returncode == 0 and copy is not None:
        copy.unlink(missing_ok=True)  # the log has been used up, or it will be copied no more
    if done.returncode:
        _move_log(log, copy, notes, f"replaying it ended the engine, code {done.returncode}")


def _aside(path: Path) -> Path:
    """Where a file is kept when it is set aside."""
    folder = path.parent / ASIDE
    folder.mkdir(exist_ok=True)
    return folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{path.name}"


def _set_aside(path: Path) -> Path:
    """Move a file out of the way. Gives where it is now."""
    kept = _aside(path)
    path.replace(kept)
    return kept


def _copy(log: Path) -> Path | None:
    """A copy of the log before the engine sees it; None when there is no log, or no room for a copy."""
    if not log.exists() or not log.stat().st_size:
        return None
    copy = _aside(log)
    try:
        shutil.copyfile(log, copy)
    except OSError:
        copy.unlink(missing_ok=True)
        return None
    return copy


def _move_log(log: Path, copy: Path | None, notes: list[str], why: str) -> None:
    """Set the whole log aside; a copy of it is not needed then."""
    kept = _set_aside(log)
    if copy is not None:
        copy.unlink(missing_ok=True)
    notes.append(f"{log.name} cannot be used: it was set aside as {kept} ({why})")


def _repair(error: duckdb.Error, path: Path, log: Path, copy: Path | None, notes: list[str]) -> None:
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
        if sound and copy and 0 < int(sound[1]) < log.stat().st_size:
            with log.open("r+b") as file:
                file.truncate(int(sound[1]))
        else:
            _move_log(log, copy, notes, text)
    elif _FILE_DAMAGED.search(text) and path.exists():
        kept = _set_aside(path)
        if log.exists():
            _move_log(log, copy, notes, text)
        notes.append(f"{path.name} is damaged: it was set aside as {kept}, a new one was begun ({text})")
    else:
        msg = f"{path} cannot be opened: {text}"
        raise StoreError(msg) from error
