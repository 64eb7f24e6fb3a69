"""The store opens again, whatever state it was left in; what is damaged is set aside and said."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from store_records import log, messages, one, write

import plainview.store
from plainview.store.duckdb import layout
from plainview.store.duckdb.opening import DATABASE
from plainview.store.interface import Batch, Position, StoreBusy, StoreError, StoreFull, StoreTooNew
from plainview.store.rows import of_logs
from plainview.store.schema import TABLES

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import pathlib
import plainview.store
from plainview.store.interface import Position
from store_records import log, write
store = plainview.store.open(pathlib.Path(sys.argv[1]))
number = store.offsets().get(("s", "log"), (0, 0))[1]
while True:
    number += 1
    write(store, [log(number * 1000 + k) for k in range(100)], Position("s", "log", 1, number))
    print(number, flush=True)
    if number % 7 == 0:
        store.checkpoint()
"""


def fill(store, first: int = 1, last: int = 20) -> None:
    """Twenty batches of fifty rows; the position tells how many there are."""
    for number in range(first, last + 1):
        write(store, [log(number * 1000 + k) for k in range(50)], Position("s", "log", 1, number))


def is_whole(store) -> int:
    """Check that there are whole batches, each once, as many as the position says. Gives their number."""
    _, batches = store.offsets().get(("s", "log"), (1, 0))
    rows, distinct = store.query("SELECT count(*), count(DISTINCT message) FROM logs").rows[0]
    assert rows == distinct == batches * 50
    assert store.last_id("logs") == rows
    return batches


@pytest.mark.parametrize("round_", range(3))
def test_kill_in_the_middle_of_writing_loses_and_doubles_nothing(opened, process, tmp_path, round_):
    directory = tmp_path / "store"
    acknowledged = 0
    for _ in range(3):
        program = process(WRITER, directory)
        for _ in range(5 + 4 * round_):
            acknowledged = int(program.stdout.readline())
        program.send_signal(signal.SIGKILL)
        rest = program.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged
    store = opened(directory)
    _, batches = store.offsets()["s", "log"]
    assert batches in (acknowledged, acknowledged + 1)
    assert store.query("SELECT count(*), count(DISTINCT message) FROM logs").rows == [(batches * 100, batches * 100)]


@pytest.fixture
def crashed(opened, process, tmp_path) -> Path:
    """The folder of a store whose process was killed, with ten batches in the file and ten more in the log."""
    directory = tmp_path / "crashed"
    program = process(
        """
import os, pathlib
import plainview.store
from test_store_recovery import fill
store = plainview.store.open(pathlib.Path(sys.argv[1]))
fill(store, 1, 10)
store.checkpoint()
fill(store, 11, 20)
os._exit(9)
""",
        directory,
    )
    _, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (9, "")
    return directory


def damage(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_a_log_that_was_left_behind_is_replayed(opened, crashed):
    store = opened(crashed)
    assert is_whole(store) == 20
    assert store.stats()["notes"] == []
    assert list((crashed / "aside").iterdir()) == []


@pytest.mark.parametrize("cut", [1, 100, 5000])
def test_a_log_cut_short_gives_what_was_committed_before_the_cut(opened, crashed, cut):
    log_file = crashed / f"{DATABASE}.wal"
    os.truncate(log_file, log_file.stat().st_size - cut)
    store = opened(crashed)
    assert 10 <= is_whole(store) < 20
    fill(store, is_whole(store) + 1)  # it goes on
    assert is_whole(store) == 20
    store.close()
    assert is_whole(opened(crashed)) == 20


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"garbage" * 1000])
def test_a_log_with_something_behind_it_gives_all_that_was_committed(opened, crashed, tail):
    with (crashed / f"{DATABASE}.wal").open("ab") as file:
        file.write(tail)
    assert is_whole(opened(crashed)) == 20


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("data", [b"\0" * 64, b"\xff" * 64])
def test_a_damaged_log_gives_what_comes_before_the_damage_and_is_kept(opened, crashed, place, data):
    log_file = crashed / f"{DATABASE}.wal"
    content = log_file.read_bytes()
    offset = int(len(content) * place)
    while content[offset : offset + len(data)] == data:  # what is written there already is no damage
        offset -= len(data)
    damage(log_file, offset, data)
    damaged = log_file.read_bytes()
    store = opened(crashed)
    batches = is_whole(store)
    assert 10 <= batches < 20, batches
    (note,) = store.stats()["notes"]
    assert "damage" in note
    (kept,) = (crashed / "aside").iterdir()
    assert str(kept) in note
    tail = kept.read_bytes()
    assert damaged.endswith(tail)
    assert len(damaged) - len(tail) <= int(len(content) * place)
    fill(store, batches + 1)
    store.close()
    store = opened(crashed)
    assert is_whole(store) == 20
    assert store.stats()["notes"] == []


def test_random_damage_to_the_log_never_keeps_the_store_from_opening(opened, crashed, tmp_path):
    chance = random.Random(7)
    size = (crashed / f"{DATABASE}.wal").stat().st_size
    for number in range(12):
        directory = tmp_path / f"copy{number}"
        shutil.copytree(crashed, directory)
        for _ in range(chance.randrange(1, 4)):
            damage(directory / f"{DATABASE}.wal", chance.randrange(size), chance.randbytes(chance.randrange(1, 40)))
        store = opened(directory)
        assert 10 <= is_whole(store) <= 20
        fill(store, is_whole(store) + 1)
        assert is_whole(store) == 20
        store.close()


@pytest.mark.parametrize("what", ["head", "empty", "cut", "noise"])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(opened, tmp_path, what):
    store = opened()
    fill(store)
    store.close()
    file = tmp_path / "store" / DATABASE
    size = file.stat().st_size
    if what == "head":
        damage(file, 0, b"\xff" * 4096)
    elif what == "noise":
        damage(file, 4096, random.Random(1).randbytes(size - 4096))
    else:
        os.truncate(file, 0 if what == "empty" else size // 2)
    damaged = file.read_bytes()
    store = opened()
    assert is_whole(store) == 0
    (note,) = store.stats()["notes"]
    assert "set aside" in note
    (kept,) = (tmp_path / "store" / "aside").iterdir()
    assert str(kept) in note
    assert kept.read_bytes() == damaged
    fill(store)
    assert is_whole(store) == 20


def test_a_process_that_ended_while_it_opened_the_store_is_no_obstacle(opened, crashed):
    (crashed / "opening").touch()
    store = opened(crashed)
    assert is_whole(store) == 20
    assert store.stats()["notes"] == []
    assert not (crashed / "opening").exists()


def test_two_processes_cannot_have_the_store(opened, process, tmp_path):
    program = process(WRITER, tmp_path / "store")
    assert program.stdout.readline()
    with pytest.raises(StoreBusy, match="another process"):
        plainview.store.open(tmp_path / "store")
    assert not (tmp_path / "store" / "aside").exists() or not list((tmp_path / "store" / "aside").iterdir())
    program.kill()
    program.communicate()
    assert messages(opened())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 999}, "newer Plainview"),
        ({"engine_version": "99.1.0"}, "DuckDB 99.1.0"),
    ],
)
def test_a_newer_store_is_refused_and_left_alone(opened, tmp_path, change, words):
    opened().close()
    path = tmp_path / "store" / layout.FORMAT
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    before = {file: file.read_bytes() for file in (tmp_path / "store").iterdir() if file.is_file()}
    with pytest.raises(StoreTooNew, match=words):
        opened()
    assert {file: file.read_bytes() for file in (tmp_path / "store").iterdir() if file.is_file()} == before


def test_a_newer_file_is_refused_even_without_word_of_who_wrote_it(opened, tmp_path):
    store = opened()
    store._writer().execute("UPDATE hot.meta SET value = '999' WHERE key = 'schema'")
    store.close()
    (tmp_path / "store" / layout.FORMAT).unlink()
    with pytest.raises(StoreTooNew, match="999"):
        opened()


def test_an_older_store_is_brought_up_to_date(opened, tmp_path, monkeypatch):
    store = opened()
    fill(store)
    store.close()
    this = layout.SCHEMA_VERSION
    monkeypatch.setattr(layout, "SCHEMA_VERSION", this + 1)
    monkeypatch.setitem(
        layout.MIGRATIONS, this, lambda connection: connection.execute("UPDATE hot.logs SET version = 'migrated'")
    )
    store = opened()
    assert is_whole(store) == 20
    assert store.query("SELECT DISTINCT version FROM logs").rows == [("migrated",)]
    store.close()
    monkeypatch.setitem(layout.MIGRATIONS, this, None)  # a second time there is nothing to do
    assert is_whole(opened()) == 20


def test_a_store_of_the_first_layout_gets_the_tables_and_columns_that_came_later(opened):
    store = opened()
    fill(store, 1, 10)
    with store._writing:
        connection = store._writer()
        for name in TABLES.keys() - {"logs", "spans"}:
            connection.execute(f"DROP VIEW main.{name}")
            connection.execute(f"DROP TABLE hot.{name}")
        connection.execute("DROP VIEW main.logs")
        connection.execute("ALTER TABLE hot.logs DROP COLUMN exception_error_id")
        connection.execute("UPDATE hot.meta SET value = '1' WHERE key = 'schema'")
    store.close()
    store = opened()
    assert store.stats()["rows"].keys() == TABLES.keys()
    assert store.query("SELECT DISTINCT exception_error_id FROM logs").rows == [(None,)]
    fill(store, 11)
    assert is_whole(store) == 20


def test_a_folder_that_cannot_be_used_is_an_error_that_names_it(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / DATABASE).mkdir()
    with pytest.raises(StoreError, match="store"):
        plainview.store.open(tmp_path / "store")


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 48 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("making a small disk (mount -t tmpfs) needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount a tmpfs: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_said_nothing_is_lost_and_it_goes_on_when_there_is_room(opened, small_disk):
    store = opened(small_disk / "store")
    fill(store, 1, 5)
    ballast = small_disk / "ballast"
    with pytest.raises(StoreFull), ballast.open("wb", buffering=0) as file:
        while True:
            with pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(b"x" * 65536)
            batch = is_whole(store) + 1
            write(store, [log(batch * 1000 + k) for k in range(50)], Position("s", "log", 1, batch))
    with pytest.raises(StoreFull):
        store.checkpoint()
    before = is_whole(store)
    assert before >= 5
    ballast.unlink()
    fill(store, before + 1)
    assert is_whole(store) == 20
    store.checkpoint()
    store.close()
    assert is_whole(opened(small_disk / "store")) == 20


def fill_up(folder: Path) -> Path:
    """Take all the room there is."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)
    return ballast


@pytest.mark.parametrize("killed", [False, True])
def test_a_store_on_a_full_disk_can_be_opened_and_asked(opened, process, small_disk, killed):
    program = process(
        """
import os, pathlib
import plainview.store
from test_store_recovery import fill, fill_up
store = plainview.store.open(pathlib.Path(sys.argv[1]) / "store")
fill(store, 1, 10)
fill_up(pathlib.Path(sys.argv[1]))
os._exit(9) if sys.argv[2] == "True" else store.close()
""",
        small_disk,
        killed,
    )
    assert program.communicate(timeout=60)[1] == ""
    fill_up(small_disk)
    store = opened(small_disk / "store")
    assert is_whole(store) == 10
    (small_disk / "ballast").unlink()
    fill(store, 11, 20)
    store.close()
    assert is_whole(opened(small_disk / "store")) == 20


def test_sealing_on_a_full_disk_leaves_everything_as_it_was(opened, small_disk, monkeypatch):
    monkeypatch.setattr("plainview.store.duckdb.sealing.LEAST_ROWS", 10)
    store = opened(small_disk / "store")
    fill(store)
    ballast = fill_up(small_disk)
    with pytest.raises(StoreFull):
        store.seal()
    assert is_whole(store) == 20
    assert list((small_disk / "store" / "sealed").glob("*/*")) == []
    ballast.unlink()
    assert store.seal() == 1000
    assert is_whole(store) == 20


def test_an_engine_that_gave_up_is_started_again(opened, small_disk, monkeypatch):
    """A checkpoint that meets a full disk takes the engine down; the store comes back with all that was committed."""
    store = opened(small_disk / "store")
    fill(store, 1, 20)
    rows = of_logs([log(k, message=os.urandom(300).hex()) for k in range(20_000)], "bulk")
    store.write(Batch([rows]))
    monkeypatch.setattr("plainview.store.duckdb.engine._ROOM", -(1 << 40))  # as if there had been room a moment ago
    with (small_disk / "ballast").open("wb") as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 65536)
            file.flush()
    with pytest.raises(StoreFull):
        store.checkpoint()
    (small_disk / "ballast").unlink()
    assert one(store, "SELECT count(*) FROM logs") == 21_000
    write(store, [log(1)])
    store.checkpoint()
    assert one(store, "SELECT count(*), count(DISTINCT id) FROM logs") == 21_001
