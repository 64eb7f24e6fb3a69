"""Questions that take long: they end when their time is up, when nobody waits, and when there are too many."""

from __future__ import annotations

import threading
import time

import httpx
import pytest
from live_server import assert_problem

from plainview.query import services
from plainview.query.sql import Sql
from plainview.server import questions

LONG = Sql("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b")


@pytest.fixture
def asked(server, monkeypatch):
    """The server's questions; ``/v1/services`` asks one that takes hours."""
    monkeypatch.setattr(services, "services", lambda reader: reader.rows(LONG))
    return server.serving.app.state.plainview.questions


def wait(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_question_has_so_much_time(server, asked, monkeypatch):
    monkeypatch.setattr(asked, "timeout", 0.3)
    problem = assert_problem(server.client.get("/v1/services"), 504)
    assert "shorter time range" in problem["detail"]


def test_a_question_ends_when_nobody_waits_for_its_answer(server, asked):
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{server.url}/v1/services", timeout=0.5)
    wait(lambda: not asked._pending)
    assert server.get("/v1/health/ready")["status"] == "healthy"


def test_too_many_questions_at_once_are_turned_away(server, asked, monkeypatch):
    monkeypatch.setattr(questions, "_THREADS", 1)
    monkeypatch.setattr(questions, "_WAITING", 1)
    monkeypatch.setattr(asked, "timeout", 2)
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(server.client.get("/v1/services").status_code))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    wait(lambda: len(asked._pending) == 2)
    answer = server.client.get("/v1/services")
    assert_problem(answer, 503)
    assert answer.headers["retry-after"] == "1"
    for thread in threads:
        thread.join()
    assert statuses == [504, 504]


def test_a_store_that_fails_is_told_without_its_words(server, monkeypatch, caplog):
    monkeypatch.setattr(services, "services", lambda reader: reader.rows(Sql("SELECT secret_column FROM logs")))
    problem = assert_problem(server.client.get("/v1/services"), 503)
    assert "secret_column" not in str(problem)
    assert "secret_column" in caplog.text


def test_what_nobody_expected_is_a_problem_too(server, monkeypatch, caplog):
    monkeypatch.setattr(services, "services", lambda _: 1 / 0)
    answer = server.client.get("/v1/services")
    assert_problem(answer, 500)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "ZeroDivisionError" in caplog.text
