"""The database of what people change: made, brought up to date, refused when it is newer; and the keys in it."""

from __future__ import annotations

import sqlite3
import stat
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from plainview.state import StateError, keys, open_state
from plainview.state.tables import METADATA, meta


@pytest.fixture
def database(tmp_path):
    opened = open_state(tmp_path)
    yield opened
    opened.close()


def test_it_is_a_file_for_its_owner_alone(database, tmp_path):
    with database.write() as connection:
        connection.execute(meta.insert().values(key="a", value="b"))
    for path in tmp_path.glob("state.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_migrations_make_what_the_tables_say(database):
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_it_keeps_its_name_and_what_is_in_it(tmp_path):
    first = open_state(tmp_path)
    name = first.name
    first.close()
    again = open_state(tmp_path)
    assert again.name == name
    again.close()


def test_a_state_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    open_state(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StateError, match="newer Plainview"):
        open_state(tmp_path)
    with sqlite3.connect(tmp_path / "state.db") as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_what_is_no_database_is_refused(tmp_path):
    (tmp_path / "state.db").write_bytes(b"not a database, by any means" * 100)
    with pytest.raises(StateError, match=r"state\.db"):
        open_state(tmp_path)


@pytest.mark.parametrize("url", ["nonsense", "nosuch://host/name", "postgresql+psycopg://user:secret@127.0.0.1:1/name"])
def test_an_address_that_cannot_be_used_is_told_without_its_password(tmp_path, url):
    with pytest.raises(StateError) as told:
        open_state(tmp_path, url)
    assert "secret" not in str(told.value)


def test_a_transaction_that_fails_leaves_nothing(database):
    def fail():
        with database.write() as connection:
            connection.execute(meta.insert().values(key="gone", value="x"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.read() as connection:
        assert connection.scalar(select(meta.c.value).where(meta.c.key == "gone")) is None


def test_threads_that_write_at_once_all_get_their_turn(database):
    def write(number):
        for each in range(20):
            with database.write() as connection:
                connection.execute(meta.insert().values(key=f"{number}-{each}", value=""))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert len(list(connection.scalars(select(meta.c.key).where(meta.c.key.contains("-"))))) == 80


def test_a_key_is_found_by_its_public_part_until_it_is_revoked(database):
    key, secret = keys.create(database, kind="dsn", name="shop", project=3, scopes=["errors"])
    assert (secret, key.project, key.scopes) == ("", 3, ("errors",))
    assert len(key.public) == 32
    assert keys.find(database, key.public) == key
    assert keys.revoke(database, key.id)
    assert keys.find(database, key.public) is None
    assert not keys.revoke(database, key.id)
    assert [each.revoked is None for each in keys.every(database)] == [False]


def test_a_secret_is_told_once_and_never_kept(database, tmp_path):
    key, secret = keys.create(database, kind="token")
    assert keys.shown(database, f"{key.public}.{secret}") == key
    for wrong in (key.public, f"{key.public}.", f"{key.public}.{secret}x", f"x.{secret}", "", "."):
        assert keys.shown(database, wrong) is None
    database.close()
    assert not any(secret.encode() in path.read_bytes() for path in tmp_path.glob("state.db*"))


def test_a_dsn_cannot_be_shown_as_a_token(database):
    key, _ = keys.create(database, kind="dsn")
    assert keys.shown(database, f"{key.public}.") is None


def test_a_rotated_key_is_a_new_one_by_the_same_number(database):
    key, secret = keys.create(database, kind="token")
    new, fresh = keys.rotate(database, key.id)
    assert new.id == key.id
    assert new.rotated
    assert keys.shown(database, f"{key.public}.{secret}") is None
    assert keys.shown(database, f"{new.public}.{fresh}") == new
    assert keys.rotate(database, 999) is None


def test_there_are_two_kinds_of_key(database):
    with pytest.raises(ValueError, match="unknown kind of key 'spare': use one of dsn, token"):
        keys.create(database, kind="spare")
