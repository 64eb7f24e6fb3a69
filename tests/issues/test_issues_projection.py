"""Occurrences become issues: each counts once, whatever is killed, and the counts are exact."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from occurred import Desk, error
from sqlalchemy import select

from plainview.issues import merging, occurrences, record
from plainview.issues.intake import fold
from plainview.issues.stretch import sum_up
from plainview.query.reader import Reader
from plainview.state.tables import affected, counts, groups, issues


def test_errors_that_are_alike_are_one_issue_with_all_that_they_touched(desk):
    desk.occur(
        error(1, user_id="ann", job_id="j1", version="1.0", environment="production", ago=60),
        error(2, user_id="bob", job_id="j1", version="1.1", environment="production", batch_id="b1", run_id="r1"),
        error(3, user_id="ann", service="worker", level="CRITICAL", request_id="q1"),
    )
    issue = desk.only()
    assert (issue["occurrence_count"], issue["users"], issue["jobs"]) == (3, 2, 1)
    assert (issue["error_type"], issue["status"], issue["level"]) == ("ValueError", "new", "CRITICAL")
    assert issue["services"] == ["studio", "worker"]
    assert issue["first_seen"] < issue["last_seen"]
    assert sum(issue["sparkline"]) == 3
    whole = desk.detail(issue["id"])
    assert sorted(whole["affected_users"]) == ["ann", "bob"]
    assert (whole["affected_jobs"], whole["affected_batches"], whole["affected_runs"]) == (["j1"], ["b1"], ["r1"])
    assert whole["affected_requests"] == ["q1"]
    assert sorted(whole["releases"]) == ["1.0", "1.1"]
    assert whole["affected"]["user"] == 2
    assert whole["stack_trace"].startswith("Traceback")


def test_errors_that_differ_are_issues_of_their_own(desk):
    desk.occur(error(1, "ValueError"), error(2, "KeyError"))
    assert {issue["error_type"] for issue in desk.issues()} == {"ValueError", "KeyError"}


def test_a_row_counts_as_often_as_it_says(desk):
    desk.occur(error(1, count=40), error(2, count=2))
    assert desk.only()["occurrence_count"] == 42
    assert sum(desk.only()["sparkline"]) == 42


def test_nothing_counts_twice_however_often_it_is_looked_at(desk):
    desk.occur(error(1))
    desk.projector.catch_up()
    assert desk.only()["occurrence_count"] == 1


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["ValueError", "KeyError", "OSError"]),
                st.integers(1, 50),
                st.sampled_from([None, "ann", "bob", "cy"]),
                st.integers(0, 80_000),
            ),
            min_size=1,
            max_size=12,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_counts_are_those_of_the_rows_in_whatever_portions_they_come(tmp_path_factory, portions):
    desk = Desk(tmp_path_factory.mktemp("desk"))
    number = 0
    expected: dict[str, list[tuple[int, str | None]]] = {}
    for portion in portions:
        made = []
        for kind, weight, user, ago in portion:
            number += 1
            made.append(error(number, kind, count=weight, user_id=user, ago=ago))
            expected.setdefault(kind, []).append((weight, user))
        desk.occur(*made)
    found = {issue["error_type"]: issue for issue in desk.issues()}
    assert set(found) == set(expected)
    for kind, rows in expected.items():
        assert found[kind]["occurrence_count"] == sum(weight for weight, _ in rows)
        assert sum(found[kind]["sparkline"]) == found[kind]["occurrence_count"]
        assert found[kind]["users"] == len({user for _, user in rows if user})
    desk.close()


def test_one_stretch_is_taken_in_by_one_of_two_that_race(desk):
    desk.put(error(1))
    stretch = sum_up(desk.reader, 0, 1)
    with desk.database.write() as connection:
        fold(connection, stretch, lambda _: [], 0)
    desk.projector.catch_up()
    assert desk.only()["occurrence_count"] == 1


def test_a_store_that_begins_anew_is_taken_in_from_its_beginning(desk, tmp_path):
    desk.occur(*(error(number) for number in range(5)))
    desk.close()
    (tmp_path / "store").rename(tmp_path / "gone")
    again = Desk(tmp_path)
    again.occur(error(77))
    assert again.only()["occurrence_count"] == 6
    again.close()


def test_an_older_algorithms_issue_is_carried_over_to_the_new_fingerprint(desk):
    desk.occur(error(1))
    old = desk.only()
    desk.put(error(2, fingerprint=["as the next version would have it"]))
    stretch = sum_up(Reader(desk.store), 1, 2)
    with desk.database.write() as connection:
        touched = fold(connection, stretch, lambda _: [old["fingerprint"]], 0)
    assert touched.fresh == set()
    assert desk.only()["id"] == old["id"]
    assert desk.only()["occurrence_count"] == 2
    assert len(desk.detail(old["id"])["groups"]) == 2


def test_an_issue_outlives_its_occurrences_and_goes_when_it_is_old(desk):
    desk.occur(error(1, "KeyError", ago=400 * 86400), error(2, "ValueError", ago=100 * 86400))
    desk.store.retention(30)
    desk.projector.keep_up()
    issue = desk.only()
    assert issue["error_type"] == "ValueError"
    whole = desk.detail(issue["id"])
    assert whole["latest"] is None
    assert whole["stack_trace"].startswith("Traceback")
    with desk.database.read() as connection:
        for column in (groups.c.id, counts.c.group, affected.c.group, issues.c.id):
            assert set(connection.scalars(select(column))) <= {2}


def test_thousands_of_different_errors_become_thousands_of_issues(desk):
    desk.put(*(error(number, f"Error{chr(97 + number % 26)}{number}x") for number in range(3000)))
    desk.projector.catch_up()
    assert len(desk.issues()) == 1000  # a page
    with desk.database.read() as connection:
        assert len(list(connection.scalars(select(issues.c.id)))) == 3000
    assert len(desk.told) == 3000


_PROGRAM = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from occurred import Desk, error
    from plainview.issues import projector
    projector._STRETCH = 7
    desk = Desk(Path({folder!r}))
    def take(body, batch):
        with open({told!r}, "ab") as file:
            file.write(b"%s %d\\n" % (batch.encode(), len(body.splitlines())))
    desk.projector._take = take
    print("ready", flush=True)
    number = int(sys.argv[1])
    while True:
        last = desk.store.last_id("error_occurrences")
        numbers = range(last, last + 30)
        desk.occur(*(error(n, "Error" + chr(97 + n % 9), user_id=f"u{{n % 5}}") for n in numbers))
        print(desk.store.last_id("error_occurrences"), flush=True)
"""


def test_each_occurrence_counts_once_through_kill_9(tmp_path):
    folder, told = tmp_path / "data", tmp_path / "told"
    program = textwrap.dedent(_PROGRAM).format(tests=str(Path(__file__).parent), folder=str(folder), told=str(told))
    for round_ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(round_)], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        assert child.stdout.readline() == "ready\n"
        for _ in range(round_ % 3):
            child.stdout.readline()
        time.sleep(0.013 * round_)  # somewhere in the middle of the next
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    desk = Desk(folder)
    desk.projector.catch_up()
    rows = desk.store.query("SELECT sum(count) FROM error_occurrences").rows[0][0] or 0
    assert rows > 0
    assert sum(issue["occurrence_count"] for issue in desk.issues()) == rows
    assert sum(sum(issue["sparkline"]) for issue in desk.issues()) == rows
    # A batch may be handed on twice, but then it is the same, by its id, which the inbox takes once.
    batches = dict(line.rsplit(" ", 1) for line in told.read_text().splitlines())
    batches |= {batch: str(sum(1 for _ in desk.told)) for batch in desk.batches}
    new = sum(int(count) for count in batches.values())
    assert new == len(desk.issues())
    desk.close()


def test_notices_are_written_as_log_lines_of_one_logger(desk):
    desk.occur(error(1))
    (line,) = desk.told
    assert (line["logger"], line["service"], line["level"]) == ("plainview.errors", "plainview", "WARNING")
    assert line["extra"]["issue"] == desk.only()["id"]
    assert json.dumps(line["extra"]["notice"]) == '"new"'


def test_of_few_occurrences_the_same_is_told_as_of_many(desk):
    """What is read at once and sifted here, and what the store is asked one question after the other."""
    shards = [{"tags": {"shard": number % 3}, "request": {"route": "/books"}} for number in range(40)]
    desk.occur(
        *(
            error(
                number,
                ago=3600 - 10 * (number // 2),
                user_id=f"u{number % 7}" if number % 5 else "",
                version=f"1.{number % 4}",
                request_id=f"q{number // 3}" if number % 4 else "",
                context=context,
                count=1 + number % 2,
            )
            for number, context in enumerate(shards)
        )
    )
    with desk.database.read() as connection:
        fingerprints = record.fingerprints(connection, int(desk.only()["id"][1:]))
    kept = occurrences.few(desk.reader, fingerprints, 40)
    assert kept is not None
    assert occurrences.few(desk.reader, fingerprints, 10_000) is None
    assert occurrences.distributions(desk.reader, fingerprints, kept) == occurrences.distributions(
        desk.reader, fingerprints
    )
    told, asked = (occurrences.requests(desk.reader, fingerprints, these) for these in (kept, None))
    assert set(told) == set(asked)
    assert len(told) == len(asked) > 5
    for each in kept:
        row = occurrences.read(desk.reader, each["id"])
        assert row is not None
        few, many = (occurrences.whole(desk.reader, fingerprints, row, kept=these) for these in (kept, None))
        assert (few["newer"], few["older"]) == (many["newer"], many["older"])


@pytest.mark.parametrize("count", [1, 199, 200, 201])
def test_the_page_of_an_issue_tells_the_same_however_its_occurrences_are_read(desk, monkeypatch, count):
    """Of an issue merged from two, up to the number that is read at once, and beyond."""
    desk.occur(
        *(
            error(
                number,
                ("KeyError", "OSError")[number % 2],
                ago=3600 - number,
                user_id=f"u{number % 150}",
                request_id=f"q{number // 2}",
                version=f"1.{number % 3}",
            )
            for number in range(count)
        )
    )
    first, *others = (int(issue["id"][1:]) for issue in desk.issues())
    if others:
        with desk.database.write() as connection:
            merging.merge(connection, first, others, "ann", time.time_ns() // 1000)

    def page():
        return record.detail(desk.database, desk.reader, first, ("occurrence", "distributions"))

    usual = page()
    assert usual["occurrence_count"] == count
    assert usual["occurrence"]["error_id"] == f"{count - 1:032x}"
    assert usual["occurrence"]["newer"] is None
    assert usual["occurrence"]["older"] == (f"{count - 2:032x}" if count > 1 else None)
    monkeypatch.setattr(record, "few", lambda *_: None)
    assert page() == usual
