"""What operations are now, made of their events: against a plain model, whatever the order."""

from __future__ import annotations

import itertools
from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from query_fill import START

from plainview.query.errors import BadInput
from plainview.query.operations import detail, listing, summing, unended, workers
from plainview.query.operations.folding import ENDED, STATUSES

EVENTS = ("create", "open", "progress", "checkpoint", "retry", "item", "dead_letter", "abandon", "cleanup", "close")
EXAMPLE = itertools.count()


def at(second: float) -> str:
    return (START + timedelta(seconds=second)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def told(operation_id: str, event: str, second: float, began: float = 0.0, **members) -> dict:
    """A line about a job, of a host."""
    start = round((START + timedelta(seconds=began)).timestamp()) * 10**9
    of = {"timestamp": at(second), "operation_id": operation_id, "event": event, "start_time_unix_nano": start}
    return of | {"kind": "job", "name": "render", "host": "box", "pid": 1} | members


@st.composite
def histories(draw):
    """Events of a few operations, each at a moment of its own, and the order in which they arrive."""
    keys = draw(st.lists(st.sampled_from(["", "a", "b"]), min_size=4, max_size=4))
    events = []
    for second, (number, event) in enumerate(
        draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(EVENTS)), min_size=1, max_size=14))
    ):
        began = next((one["second"] for one in events if one["number"] == number), second)
        members = {"number": number, "second": second, "began": began, "event": event, "key": keys[number]}
        if event == "progress":
            members |= draw(
                st.sampled_from([{"done": second, "total": 20}, {"percent": 5.0 * second}, {"done": second}])
            )
            members |= {"step": draw(st.sampled_from(["", f"step {second}"]))}
        if event == "checkpoint":
            members |= {"data": {"page": second}}
        if event in ("close", "dead_letter", "abandon", "retry", "item"):
            members |= {"reason": draw(st.sampled_from(["", f"reason {second}"]))}
        if event == "close":
            members |= {"status": draw(st.sampled_from([*ENDED, "", "exploded"])), "duration_ms": 1000.0 + second}
        events.append(members | {"attempt": draw(st.integers(1, 3))})
    return events, draw(st.permutations(range(len(events)))), draw(st.integers(1, 3))


def model(events: list[dict]) -> dict[int, dict]:
    """What the operations are, in plain words of Python."""
    of = {number: [one for one in events if one["number"] == number] for number in {one["number"] for one in events}}
    begun = {
        number: any(one["event"] not in ("create", "dead_letter") for one in those) for number, those in of.items()
    }
    found = {}
    for number, those in of.items():
        key = those[0]["key"]
        alike = [other for other, theirs in of.items() if key and theirs[0]["key"] == key]
        only_created = all(one["event"] == "create" for one in those)
        if only_created and any(begun[other] and of[other][0]["began"] >= those[0]["began"] for other in alike):
            continue
        last = {one["event"]: one for one in those}
        alive = [one for one in those if one["event"] not in ("cleanup", "dead_letter")]
        close = last.get("close")
        status, ended = "queued" if only_created else "running", None
        if close is not None:
            status, ended = close["status"] or "completed", close["second"]
            status = status if status in ENDED else "failed"
        elif alive and alive[-1]["event"] == "abandon":
            status, ended = "abandoned", alive[-1]["second"]
        if "dead_letter" in last and (close is None or status == "failed"):
            status, ended = "dead_lettered", ended if close else those[-1]["second"]
        whys = {"completed": ["close"], "running": ["retry"], "queued": ["retry"]}
        whys = whys.get(status, ["close", "dead_letter", "abandon", "retry"])
        reasons = (
            next((one["reason"] for one in reversed(those) if one["event"] == why and one["reason"]), None)
            for why in whys
        )
        told_progress = [one for one in those if "done" in one or "percent" in one]
        progress = told_progress[-1] if told_progress else {}
        tries = sum(any(one["event"] != "create" for one in of[other]) for other in alike)
        found[number] = {
            "status": status,
            "key": key or None,
            "started_at": at(those[0]["began"]),
            "ended_at": None if ended is None else at(ended),
            "last_seen": at(those[-1]["second"]),
            "done": progress.get("done"),
            "total": progress.get("total"),
            "percent": 100 * progress["done"] / 20 if progress.get("total") else progress.get("percent"),
            "step": next((one["step"] for one in reversed(those) if one.get("step")), None),
            "reason": next((reason for reason in reasons if reason), None),
            "checkpoint": last["checkpoint"]["data"] if "checkpoint" in last else None,
            "attempt": max(one["attempt"] for one in those),
            "attempts": max(*(one["attempt"] for one in those), tries),
        }
        if close is not None:
            took = max(one["duration_ms"] for one in those if one["event"] == "close")
            found[number]["duration_ms"] = took
    return found


def line_of(example: str, one: dict) -> dict:
    """An event of a history as a line; its operation and key are of that example alone."""
    members = {name: value for name, value in one.items() if name not in ("number", "second", "began", "event")}
    members |= {"trace_id": example, "key": f"{example}{one['key']}" if one["key"] else ""}
    return told(f"{example}{one['number']:08x}", one["event"], one["second"], one["began"], **members)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(histories())
def test_operations_are_what_a_plain_model_says_whatever_the_order_of_their_events(fill, reader, history):
    events, order, batches = history
    example = f"{next(EXAMPLE):08x}"
    shuffled = [line_of(example, events[place]) for place in order]
    for first in range(batches):
        if shuffled[first::batches]:
            fill.operations(*shuffled[first::batches], stream=f"s-{first}")
    found = listing.search(reader(), {"trace_id": example}, limit=1000)
    expected = model(events)
    assert found["total"] == len(expected)
    assert {int(one["operation_id"][8:], 16) for one in found["operations"]} == set(expected)
    for one in found["operations"]:
        wanted = expected[int(one["operation_id"][8:], 16)]
        one["key"] = one["key"] and one["key"][8:]
        one["checkpoint"] = one["checkpoint"] and msgspec.json.decode(one["checkpoint"])
        assert {name: one[name] for name in wanted} == wanted
    by_status = summing.summary(reader(), {"trace_id": example})["by_status"]
    assert by_status == {
        status: count for status in STATUSES if (count := sum(one["status"] == status for one in expected.values()))
    }


def within(one: dict, start: str, end: str | None) -> bool:
    """Whether an operation is of a range of time, as the API documents it."""
    return (one["ended_at"] is None or one["ended_at"] >= start) and (end is None or one["started_at"] < end)


#: Where a range begins, how long it is, and how far behind what is remembered may be.
RANGES = st.tuples(st.integers(0, 14), st.none() | st.integers(1, 14), st.sampled_from([0, 3, 20_000]))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(histories(), RANGES)
def test_a_range_of_time_has_the_operations_that_a_look_at_all_of_them_finds(fill, reader, monkeypatch, history, asks):
    start, length, behind = asks
    monkeypatch.setattr(unended, "_BEHIND", behind)
    events, order, batches = history
    example = f"{next(EXAMPLE):08x}"
    # Most of what there is lies before the range, so that it is worth while to leave it out.
    fill.operations(*(told(f"{example}{number:04x}old", "close", -60, -90, trace_id="old") for number in range(40)))
    shuffled = [line_of(example, events[place]) for place in order]
    ends = {} if length is None else {"end_time": at(start + length)}
    for first in range(batches):
        if shuffled[first::batches]:
            fill.operations(*shuffled[first::batches], stream=f"s-{first}")
        # Asked each time, so that what is remembered is of what there was then.
        everything = listing.search(reader(), {"trace_id": example}, limit=1000)["operations"]
        expected = [one for one in everything if within(one, at(start), ends.get("end_time"))]
        asked = {"trace_id": example, "start_time": at(start)} | ends
        found = listing.search(reader(), asked, limit=1000)
        assert [without_now(one) for one in found["operations"]] == [without_now(one) for one in expected]
        assert found["total"] == len(expected)
        summed = summing.summary(reader(), asked)["by_status"]
        assert summed == {
            status: count for status in STATUSES if (count := sum(one["status"] == status for one in expected))
        }


def without_now(one: dict) -> dict:
    """An operation without how long it runs so far, and with what is JSON as such."""
    kept = {name: value for name, value in one.items() if name not in ("duration_ms", "checkpoint")}
    return kept | {"checkpoint": one["checkpoint"] and bytes(one["checkpoint"])}


def test_an_operation_that_runs_since_long_before_a_range_is_in_it_until_it_ends(fill, reader, monkeypatch):
    monkeypatch.setattr(unended, "_BEHIND", 0)
    fill.operations(told("1" * 16, "open", 0))
    fill.operations(*(told(f"{number:016x}", "close", 10) for number in range(100, 150)))
    day = {"start_time": at(80_000)}
    assert [one["operation_id"] for one in listing.search(reader(), day)["operations"]] == ["1" * 16]
    first = listing.search(reader(), {}, limit=10)
    fill.operations(told("1" * 16, "close", 70_000))
    assert listing.search(reader(), day)["operations"] == []
    fill.operations(told("2" * 16, "create", 20, 20, key="a"))
    assert [one["status"] for one in listing.search(reader(), day)["operations"]] == ["queued"]
    fill.operations(told("3" * 16, "open", 30, 30, key="a"))
    assert [one["operation_id"] for one in listing.search(reader(), day)["operations"]] == ["3" * 16]
    rest = listing.search(reader(), {}, limit=100, cursor=first["next"])
    assert len(first["operations"] + rest["operations"]) == first["total"] == 51


def test_a_page_of_a_range_goes_on_as_of_its_first_one_whatever_has_ended_since(fill, reader, monkeypatch):
    monkeypatch.setattr(unended, "_BEHIND", 0)
    fill.operations(*(told(f"{number:016x}", "close", 10) for number in range(100, 150)))
    fill.operations(*(told(f"{number:016x}", "open", number) for number in range(5)))
    range_ = {"start_time": at(1000)}
    first = listing.search(reader(), range_, limit=2)
    fill.operations(*(told(f"{number:016x}", "close", 500) for number in range(5)))
    assert listing.search(reader(), range_)["total"] == 0
    rest = listing.search(reader(), range_, limit=10, cursor=first["next"])
    assert len({one["operation_id"] for one in first["operations"] + rest["operations"]}) == first["total"] == 5


def statuses(reader, **asked) -> dict[str, str]:
    return {one["operation_id"]: one["status"] for one in listing.search(reader(), asked)["operations"]}


def test_a_clock_that_is_behind_on_another_machine_does_not_leave_a_job_waiting(fill, reader):
    fill.operations(
        told("a" * 16, "create", 10, 10, key="j-1", host="web"),
        told("b" * 16, "open", 7, 7, key="j-1", host="worker"),
        # The same machine has one clock: this one failed, was created again, and waits.
        told("c" * 16, "close", 9, 9, key="j-2", host="worker", status="failed"),
        told("d" * 16, "create", 10, 10, key="j-2", host="worker"),
    )
    assert statuses(reader) == {"b" * 16: "running", "c" * 16: "failed", "d" * 16: "queued"}


def test_work_that_went_on_in_another_service_is_found_in_both_and_whole(fill, reader):
    fill.operations(told("a" * 16, "open", 0, service="web"), told("a" * 16, "detach", 1, service="web"))
    ended = {"status": "completed", "duration_ms": 5000.0, "rows": 7}
    fill.operations(told("a" * 16, "resume", 2, service="worker", pid=2))
    fill.operations(told("a" * 16, "close", 5, service="worker", pid=2, **ended))
    for service in ("web", "worker"):
        (one,) = listing.search(reader(), {"service": service})["operations"]
        assert (one["status"], one["rows"], one["service"], one["pid"]) == ("completed", 7, "worker", 2)


def test_pages_are_those_of_one_list_while_more_arrives(fill, reader):
    fill.operations(*(told(f"{n:016x}", "open", n, n) for n in range(5)))
    first = listing.search(reader(), {}, limit=2)
    fill.operations(*(told(f"{n:016x}", "close", 20, n, status="completed") for n in range(9)))
    second = listing.search(reader(), {}, limit=5, cursor=first["next"])
    assert [int(one["operation_id"], 16) for one in first["operations"] + second["operations"]] == [4, 3, 2, 1, 0]
    assert {one["status"] for one in second["operations"]} == {"running"}
    assert (first["total"], second["total"], second["next"]) == (5, 5, None)


def test_operations_that_are_parts_of_each_other_are_shown_all_the_same(fill, reader):
    ids = ["a" * 16, "b" * 16]
    fill.operations(*(told(one, "open", 0, parent_id=other) for one, other in zip(ids, ids[::-1], strict=True)))
    found = detail.operation(reader(), "a" * 16)
    assert [one["operation_id"] for one in found["ancestors"]] == ids
    assert [one["operation_id"] for one in found["children"]] == ["b" * 16]
    assert [(one["operation_id"], one["parent_id"]) for one in found["timeline"]] == [("b" * 16, "a" * 16)]


def test_the_time_line_of_an_operation_has_the_parts_of_its_parts(fill, reader):
    def part(id_: str, of: str, second: int, event: str = "close", **members) -> dict:
        return told(id_ * 16, event, second + 5, second, parent_id=of * 16, kind="stage", name=id_, **members)

    fill.operations(
        told("a" * 16, "open", 0),
        part("b", "a", 1, duration_ms=3000, status="completed"),
        part("c", "b", 2, duration_ms=2000, status="failed"),
        part("d", "c", 3, "open"),
        part("e", "c", 4, "create"),
        part("f", "9", 5, duration_ms=1, status="completed"),
    )
    found = detail.operation(reader(), "a" * 16)
    assert [(one["name"], one["parent_id"][0], one["status"], one["duration_ms"]) for one in found["timeline"]] == [
        ("b", "a", "completed", 3000),
        ("c", "b", "failed", 2000),
        ("d", "c", "running", 5000),
    ]
    assert found["timeline_more"] == 0
    assert [one["name"] for one in found["children"]] == ["b"]


def test_of_very_many_parts_the_time_line_has_those_that_took_longest_and_says_how_many_more_there_are(fill, reader):
    def parts(of: str, count: int, first: int) -> list[dict]:
        return [
            told(f"{first + n:016x}", "close", 1 + n, n, parent_id=of, duration_ms=float(first + n), status="completed")
            for n in range(count)
        ]

    fill.operations(told("a" * 16, "open", 0), *parts("a" * 16, 1100, 1), *parts(f"{7:016x}", 1000, 5000))
    found = detail.operation(reader(), "a" * 16)
    assert (len(found["timeline"]), found["timeline_more"]) == (2000, 100)
    assert min(one["duration_ms"] for one in found["timeline"]) == 101
    starts = [one["started_at"] for one in found["timeline"]]
    assert starts == sorted(starts)


def test_of_an_operation_with_very_many_events_the_latest_are_shown(fill, reader):
    steps = [told("a" * 16, "progress", n / 10, done=n, total=5000) for n in range(1500)]
    fill.operations(told("a" * 16, "open", 0, data={"x": 1}), *steps)
    found = detail.operation(reader(), "a" * 16)
    assert [event.get("done") for event in found["events"]] == [None, *range(1000, 1500)]
    assert found["operation"]["done"] == 1499


@pytest.mark.parametrize(
    ("last", "state"),
    [
        ((20, "heartbeat"), "alive"),
        ((31, "heartbeat"), "late"),
        ((61, "heartbeat"), "lost"),
        ((3, "abandon"), "lost"),
        ((3, "close"), "ended"),
    ],
)
def test_a_worker_is_judged_by_the_age_of_its_heartbeat(fill, reader, monkeypatch, last, state):
    age, event = last
    monkeypatch.setattr(workers, "now", lambda: START.replace(tzinfo=None) + timedelta(seconds=100))
    worker = {"kind": "worker", "name": "celery"}
    told_of = (("open", 100), ("heartbeat", age), (event, age))
    fill.operations(*(told("a" * 16, event, 100 - ago, **worker) for event, ago in told_of))
    (found,) = workers.workers(reader(), {})["workers"]
    assert (found["state"], found["heartbeat_age_seconds"], found["interval_seconds"]) == (state, age, workers.INTERVAL)


def test_engines_that_should_be_there_and_were_never_used_are_told_of(fill, reader, monkeypatch):
    monkeypatch.setattr(summing, "now", lambda: START.replace(tzinfo=None) + timedelta(seconds=100))
    registry = {"kind": "registry", "name": "engines", "status": "completed", "service": "studio"}
    fill.operations(
        told("a" * 16, "close", 1, **registry, data={"expected": ["old"], "missing": ["old"]}),
        told("b" * 16, "close", 2, **registry, data={"expected": ["narrator", "painter"], "missing": ["painter"]}),
        told("c" * 16, "close", 3, kind="engine", name="narrator", status="completed", duration_ms=5.0),
        told("d" * 16, "close", 3, kind="engine", name="stranger", status="completed", duration_ms=5.0),
    )
    fill.operations(told("e" * 16, "close", 1, **registry, data={"expected": 7}), stream="other")
    found = summing.summary(reader(), {"kind": "engine"})["names"]
    known = {one["name"]: (one["count"], one["expected"], one["last_status"]) for one in found}
    assert known == {
        "narrator": (1, True, "completed"),
        "painter": (0, True, None),
        "stranger": (1, False, "completed"),
    }
    assert {one["kind"] for one in listing.search(reader(), {})["operations"]} == {"engine"}
    assert summing.summary(reader(), {"kind": "engine", "service": "other"})["names"] == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"status": "asleep"}, "status"),
        ({"name": ["x"] * 1001}, "name"),
        ({"key": "a\0"}, "key"),
        ({"q": "a\ud800"}, "q"),
        ({"start_time": "soon"}, "start_time"),
    ],
)
def test_what_cannot_be_asked_names_its_field(reader, asked, field):
    with pytest.raises(BadInput) as caught:
        listing.search(reader(), asked)
    assert caught.value.field == field
