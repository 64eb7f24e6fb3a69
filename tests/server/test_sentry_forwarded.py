"""Errors that one Plainview forwards by Sentry's protocol arrive in another as what they were, once."""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

import pytest
from live_server import run_server

import plainview
from plainview.state import keys


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("sentry")) as running:
        key, _ = keys.create(running.serving.app.state.plainview.database, kind="dsn", name="shop", project=3)
        running.dsn = f"http://{key.public}@{urlsplit(running.url).netloc}/3"
        yield running


def price(item):
    return {}[item]


def test_an_error_is_the_same_on_the_other_side(server, tmp_path):
    plainview.configure(
        dir=str(tmp_path), service="shop", environment="production", version="1.2", file="", sentry_dsn=server.dsn
    )
    try:
        with plainview.context(job_id="j-1", user_id="u-1", component="till"):
            try:
                price("lamp")
            except KeyError as error:
                raise ExceptionGroup("cannot sell", [ValueError("a"), OSError("b")]) from error
    except ExceptionGroup:
        error_id = plainview.capture_exception(tags={"plan": "free"}, order=7)
    message_id = plainview.capture_message("quota", "warning")
    store, until = server.serving.store, time.monotonic() + 30
    while len(store.query("SELECT id FROM error_occurrences").rows) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    plainview.shutdown()
    server.serving.pipeline.drain()
    read = store.query("SELECT * FROM error_occurrences")
    rows = {row["error_id"]: row for row in (dict(zip(read.columns, row, strict=True)) for row in read.rows)}
    assert set(rows) == {error_id, message_id}
    assert len(read.rows) == 2
    row = rows[error_id]
    assert (row["environment"], row["version"], row["user_id"]) == ("production", "1.2", "u-1")
    assert json.loads(row["context"])["tags"].items() >= {"component": "till", "plan": "free"}.items()
    shape = [(one["type"], one.get("relation")) for one in json.loads(row["exceptions"])]
    assert shape == [("ExceptionGroup", None), ("KeyError", "cause"), ("ValueError", "member"), ("OSError", "member")]
    cause = json.loads(row["exceptions"])[1]["frames"][-1]
    assert (cause["function"], cause["source"].strip()) == ("price", "return {}[item]")
    assert rows[message_id]["message"] == "quota" or rows[message_id]["value"] == "quota"
