"""Errors come in: each once, grouped, and a storm of them thinned with exact counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from plainview.ingest import occurrences
from plainview.ingest.ndjson import decode, tabulate
from plainview.ingest.occurrences import Occurrences
from plainview.store.interface import Batch


def error(number: int, **fields) -> dict:
    frames = [{"module": "studio.books", "function": "create", "line": 3}]
    return {
        "timestamp": "2026-11-20T12:00:00.000001Z",
        "error_id": f"{number:032x}",
        "mechanism": "manual",
        "service": "studio",
        "exceptions": [{"type": "ValueError", "module": "builtins", "message": f"no book {number}", "frames": frames}],
    } | fields


def lines(*records: dict) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def taken(grouping: Occurrences, *errors: dict) -> list:
    records, bad = decode("error", lines(*errors))
    assert not bad
    kept, _ = grouping.take(records, ["s"] * len(records))
    return kept


def counted(desk) -> list[tuple]:
    return desk.store.query("SELECT error_id, sum(count) FROM error_occurrences GROUP BY 1 ORDER BY 1").rows


def test_errors_become_rows_with_what_grouping_made_of_them(desk, eventually):
    pipeline = desk.pipeline()
    pipeline.start()
    told = error(1, component="books", user_id="ann", handled=False, context={"tags": {"a": 1}}, count=3)
    pipeline.inbox.accept(lines(told))
    eventually(lambda: desk.store.last_id("error_occurrences"))
    row = desk.store.query("SELECT * FROM error_occurrences").dicts()[0]
    pipeline.stop()
    expected = {
        "error_id": f"{1:032x}",
        "type": "ValueError",
        "value": "no book 1",
        "component": "books",
        "category": "bug",
        "user_id": "ann",
        "handled": 0,
        "count": 3,
        "grouping": 1,
    }
    assert {name: row[name] for name in expected} == expected
    assert len(row["fingerprint"]) == 32
    assert "create" in row["culprit"]
    assert json.loads(row["given"]) == {"component": "books"}


def test_an_error_that_is_sent_again_counts_once_also_after_a_restart(desk, eventually):
    pipeline = desk.pipeline()
    pipeline.start()
    pipeline.inbox.accept(lines(error(1), error(2), error(1)))
    eventually(lambda: desk.store.last_id("error_occurrences") == 2)
    pipeline.inbox.accept(lines(error(2), error(3)))
    eventually(lambda: desk.store.last_id("error_occurrences") == 3)
    pipeline.stop()
    again = desk.pipeline()
    again.start()
    again.inbox.accept(lines(error(1), error(4)))
    eventually(lambda: desk.store.last_id("error_occurrences") == 4)
    assert again.stats()["repeated_errors"] == 1
    again.stop()
    assert counted(desk) == [(f"{number:032x}", 1) for number in (1, 2, 3, 4)]


def test_a_line_carries_the_fingerprint_of_its_error(desk, eventually):
    pipeline = desk.pipeline()
    pipeline.start()
    line = {"timestamp": "2026-11-20T12:00:00Z", "level": "ERROR", "message": "failed"}
    told = {"type": "ValueError", "message": "no book 7", "error_id": f"{7:032x}"}
    pipeline.inbox.accept(lines(error(7, fingerprint=["mine"]), line | {"exception": told}))
    eventually(lambda: desk.store.last_id("logs"))
    of_log = desk.store.query("SELECT exception_fingerprint FROM logs").rows
    assert of_log == desk.store.query("SELECT fingerprint FROM error_occurrences").rows
    pipeline.stop()


def test_lines_without_an_error_are_grouped_by_their_stack(desk, eventually):
    pipeline = desk.pipeline()
    pipeline.start()
    line = {"timestamp": "2026-11-20T12:00:00Z", "level": "ERROR", "message": "failed"}
    stack = (
        'Traceback (most recent call last):\n  File "/app/studio/{}.py", line {}, in create\n    f()\nKeyError: {}\n'
    )
    exceptions = [
        {"type": "KeyError", "message": "'a'", "stack_trace": stack.format("books", 3, "'a'")},
        {"type": "KeyError", "message": "'a'", "stack_trace": stack.format("books", 9, "'a'")},
        {"type": "ValueError", "message": "x"},
        {"type": "ValueError", "message": "x", "fingerprint": "its own"},
    ]
    pipeline.inbox.accept(lines(line, *(line | {"exception": exception} for exception in exceptions)))
    eventually(lambda: desk.store.last_id("logs") == 5)
    none, one, moved, bare, own = (
        row[0] for row in desk.store.query("SELECT exception_fingerprint FROM logs ORDER BY id").rows
    )
    assert none is None
    assert one == moved
    assert bare not in {one, None}
    assert own == "its own"
    pipeline.stop()


@pytest.mark.parametrize(
    "wrong",
    [
        {"exceptions": [1]},
        {"exceptions": {}},
        {"exceptions": [{"frames": [{"line": "three"}]}]},
        {"context": []},
        {"extra": 3},
        {"timestamp": "yesterday"},
        {"level": "LOUD"},
        {"count": 1 << 40},
    ],
)
def test_what_is_no_error_is_refused_with_the_reason_and_the_others_are_taken(desk, wrong):
    pipeline = desk.pipeline()
    receipt = pipeline.inbox.accept(lines(error(1), error(2) | wrong, error(3)))
    assert (receipt.accepted, receipt.rejected) == (2, 1)
    assert receipt.errors[0][0] == 2
    pipeline.inbox.close()


def test_what_got_past_goes_aside_and_the_others_are_stored(desk, eventually):
    stream = desk.stream()
    told = lines(error(1), error(2) | {"exceptions": [1]}, error(3))
    stream.write(*told.splitlines(), kind="error")
    pipeline = desk.pipeline()
    pipeline.start()
    eventually(lambda: desk.store.last_id("error_occurrences") == 2)
    assert pipeline.stats()["garbage_lines"] == 1
    pipeline.stop()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.sampled_from(["1.0", "1.1"]), st.sampled_from(["j1", "j2"])),
        min_size=1,
        max_size=80,
    ),
    st.integers(1, 20),
)
def test_a_storm_is_thinned_and_its_counts_stay_exact(rows, whole):
    grouping = Occurrences(clock=lambda: 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(occurrences, "WHOLE", whole)
        kept = taken(
            grouping,
            *(
                error(number, version=version, job_id=job, count=weight)
                for number, (weight, version, job) in enumerate(rows)
            ),
        )
    assert len(kept) <= whole + 4
    for version in ("1.0", "1.1"):
        for job in ("j1", "j2"):
            weight = sum(weight for weight, *where in rows if where == [version, job])
            assert weight == sum(record.count for record in kept if (record.version, record.job_id) == (version, job))


def test_a_storm_leaves_others_alone_and_ends_with_its_minute():
    now = [0.0]
    grouping = Occurrences(clock=lambda: now[0])
    storm = [error(number) for number in range(occurrences.WHOLE + 500)]
    other = error(99_999, exceptions=[{"type": "KeyError"}])
    kept = taken(grouping, *storm, other)
    assert len(kept) == occurrences.WHOLE + 2
    assert grouping.folded == 499
    now[0] = 61.0
    assert len(taken(grouping, *(error(50_000 + number) for number in range(10)))) == 10


def test_a_batch_that_has_to_be_read_again_is_not_taken_for_a_repetition():
    grouping = Occurrences()
    assert len(taken(grouping, error(1), error(2))) == 2
    grouping.discard()
    assert len(taken(grouping, error(1), error(2))) == 2
    grouping.commit()
    assert taken(grouping, error(1), error(2)) == []


def test_so_many_ids_are_remembered_and_no_more(monkeypatch):
    monkeypatch.setattr(occurrences, "REMEMBERED", 100)
    grouping = Occurrences()
    for start in range(0, 300, 50):
        taken(grouping, *(error(start + number) for number in range(50)))
        grouping.commit()
    assert len(grouping._known) == 100
    assert taken(grouping, error(299)) == []
    assert len(taken(grouping, error(0))) == 1


def test_errors_without_an_id_are_each_their_own():
    grouping = Occurrences()
    kept = taken(grouping, error(1, error_id=""), error(1, error_id=""))
    assert len({record.error_id for record in kept}) == 2


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_text_is_an_id_and_different_ones_are_different(one, other):
    assert (occurrences._key(one) == occurrences._key(other)) == (one == other) or (
        len(one) == len(other) == 32 and one.lower() == other.lower()
    )


def test_rows_fit_the_store(desk):
    records, _ = decode("error", lines(*(error(number) for number in range(50))))
    rows, unfit = tabulate("error", records, "s", Occurrences().rows)
    assert not unfit
    desk.store.write(Batch([rows]))
    assert desk.store.last_id("error_occurrences") == 50


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("tags.tenant", [{"context": {"tags": {"tenant": tenant}}} for tenant in "ab"]),
        ("level", [{"level": level} for level in ("ERROR", "CRITICAL")]),
        ("environment", [{"environment": where} for where in ("test", "live")]),
    ],
)
def test_a_fingerprint_splits_by_what_it_names(desk, name, fields):
    given = [error(at, fingerprint=["{{ default }}", f"{{{{ {name} }}}}"], **more) for at, more in enumerate(fields)]
    records, _ = decode("error", lines(*given, error(3)))
    rows, unfit = tabulate("error", records, "s", Occurrences().rows)
    assert not unfit
    desk.store.write(Batch([rows]))
    found = desk.store.query("SELECT count(DISTINCT fingerprint) FROM error_occurrences").rows
    assert found == [(3,)]
