"""From new to resolved and back, by people and by itself; and what is told of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st
from occurred import error, now

from plainview.issues import merging, record, workflow
from plainview.issues.noticing import is_spike
from plainview.issues.releases import order
from plainview.issues.workflow import ACTIONS, STATUSES, Conflict, Decision


def decide(desk, issue: str, action: str, **more) -> None:
    with desk.database.write() as connection:
        workflow.apply(connection, int(issue[1:]), Decision(action, **more), now())


@pytest.fixture
def issue(desk) -> str:
    desk.occur(error(1, version="1.0"))
    return desk.only()["id"]


#: Status → what leads there from new.
WAY = {
    "new": [],
    "acknowledged": ["acknowledge"],
    "resolved": ["resolve"],
    "ignored": ["ignore"],
}
ALLOWED = {
    ("new", "acknowledge"): "acknowledged",
    ("new", "resolve"): "resolved",
    ("new", "ignore"): "ignored",
    ("acknowledged", "resolve"): "resolved",
    ("acknowledged", "ignore"): "ignored",
    ("acknowledged", "reopen"): "new",
    ("resolved", "reopen"): "new",
    ("ignored", "resolve"): "resolved",
    ("ignored", "reopen"): "new",
}
#: What is so already changes nothing.
SAME = {("acknowledged", "acknowledge"), ("resolved", "resolve"), ("ignored", "ignore")}


@pytest.mark.parametrize("action", ["acknowledge", "resolve", "ignore", "reopen"])
@pytest.mark.parametrize("status", sorted(WAY))
def test_each_status_allows_what_makes_sense_and_nothing_else(desk, issue, status, action):
    for step in WAY[status]:
        decide(desk, issue, step)
    lines = len(desk.history(issue))
    if (status, action) in ALLOWED:
        decide(desk, issue, action, actor="ann", notes="because")
        assert desk.only()["status"] == ALLOWED[status, action]
        newest = desk.history(issue)[0]
        assert (newest["actor"], newest["action"], newest["note"]) == ("ann", action, "because")
        assert (newest["before"], newest["after"]) == (status, ALLOWED[status, action])
    elif (status, action) in SAME:
        decide(desk, issue, action)
        assert desk.only()["status"] == status
        assert len(desk.history(issue)) == lines
    else:
        with pytest.raises(Conflict, match=f"{issue} is {status}"):
            decide(desk, issue, action)
        assert desk.only()["status"] == status
        assert len(desk.history(issue)) == lines


def test_the_statuses_and_actions_are_these():
    assert STATUSES == ("new", "acknowledged", "resolved", "regressed", "ignored")
    assert ACTIONS == ("acknowledge", "resolve", "ignore", "reopen", "assign")


def test_what_occurs_after_it_was_resolved_is_a_regression_of_the_same_issue(desk, issue):
    decide(desk, issue, "resolve", notes="a lock")
    desk.occur(error(2, ago=3600))
    assert desk.only()["status"] == "resolved"  # it happened before
    desk.occur(error(3))
    again = desk.only()
    assert (again["id"], again["status"], again["regressions"]) == (issue, "regressed", 1)
    assert desk.detail(issue)["resolution_notes"] == "a lock"
    newest = desk.history(issue)[0]
    assert (newest["actor"], newest["action"], newest["after"]) == ("plainview", "regressed", "regressed")
    assert desk.notices() == ["new", "regressed"]


@pytest.mark.parametrize(
    ("release", "status"),
    [("1.0", "resolved"), ("1.1", "resolved"), ("1.2", "regressed"), ("1.10", "regressed"), ("0.9", "resolved")],
)
def test_resolved_in_a_release_earlier_ones_may_still_have_it(desk, issue, release, status):
    decide(desk, issue, "resolve", in_release="1.2")
    desk.occur(error(2, version=release))
    assert desk.only()["status"] == status


@pytest.mark.parametrize(
    ("release", "status"), [("1.0", "resolved"), ("0.9", "resolved"), ("1.0.1", "regressed"), ("", "resolved")]
)
def test_resolved_in_the_next_release_those_that_are_known_may_still_have_it(desk, issue, release, status):
    decide(desk, issue, "resolve", in_next_release=True)
    desk.occur(error(2, version=release))
    assert desk.only()["status"] == status


def test_releases_without_numbers_are_told_by_whether_they_were_known(desk):
    desk.occur(error(1, version="abc"), error(2, version="def"))
    issue = desk.only()["id"]
    decide(desk, issue, "resolve", in_next_release=True)
    desk.occur(error(3, version="def"))
    assert desk.only()["status"] == "resolved"
    desk.occur(error(4, version="fed"))
    assert desk.only()["status"] == "regressed"


@given(st.lists(st.integers(0, 99), min_size=2, max_size=4), st.lists(st.integers(0, 99), min_size=2, max_size=4))
def test_releases_sort_by_their_numbers(one, other):
    def padded(numbers):
        return [*numbers, *[0] * (5 - len(numbers))]

    texts = [".".join(map(str, numbers)) for numbers in (one, other)]
    assert (order(f"app@{texts[0]}") < order(f"v{texts[1]}")) == (padded(one) < padded(other))
    assert order(f"{texts[0]}rc1") < order(texts[0])


def test_ignored_until_so_many_more_it_is_new_again_after_those(desk, issue):
    decide(desk, issue, "ignore", count=3)
    desk.occur(error(2), error(3))
    assert desk.only()["status"] == "ignored"
    desk.occur(error(4))
    assert desk.only()["status"] == "new"


def test_ignored_until_a_time_it_is_new_again_then(desk, issue):
    decide(desk, issue, "ignore", until=now() + 300_000)
    desk.projector.catch_up()
    assert desk.only()["status"] == "ignored"
    time.sleep(0.4)
    desk.projector.catch_up()
    assert desk.only()["status"] == "new"
    assert desk.history(issue)[0]["actor"] == "plainview"


def test_it_is_given_to_somebody_and_taken_back(desk, issue):
    decide(desk, issue, "assign", assignee="bob", actor="ann")
    assert desk.only(assignee="bob")["assignee"] == "bob"
    decide(desk, issue, "assign", assignee=None)
    assert [line["after"] for line in desk.history(issue)] == [None, "bob"]


def test_merged_issues_are_one_and_their_ids_lead_to_it(desk):
    desk.occur(
        error(1, "KeyError", user_id="ann"), error(2, "ValueError", user_id="ann"), error(3, "OSError", user_id="bob")
    )
    first, second, third = (issue["id"] for issue in desk.issues())
    with desk.database.write() as connection:
        merging.merge(connection, int(first[1:]), [int(second[1:]), int(third[1:])], "ann", now())
    whole = desk.only()
    assert (whole["id"], whole["occurrence_count"], whole["users"]) == (first, 3, 2)
    assert desk.detail(second)["id"] == first
    desk.occur(error(4, "OSError"))
    assert desk.only()["occurrence_count"] == 4
    assert desk.history(first)[0]["action"] == "merged"


def test_what_was_merged_is_split_back_with_what_has_happened_since(desk):
    desk.occur(error(1, "KeyError", user_id="ann"), error(2, "ValueError", user_id="bob"))
    first, second = desk.issues()
    with desk.database.write() as connection:
        merging.merge(connection, int(first["id"][1:]), [int(second["id"][1:])], "ann", now())
    desk.occur(error(3, "ValueError", user_id="cy"))
    with desk.database.write() as connection:
        places = merging.split(connection, int(first["id"][1:]), [second["fingerprint"]], "ann", now())
    assert [f"E{place}" for place in places] == [second["id"]]
    one, other = desk.issues()
    assert (one["id"], one["occurrence_count"], one["users"]) == (first["id"], 1, 1)
    assert (other["id"], other["occurrence_count"], other["users"]) == (second["id"], 2, 2)
    assert sum(other["sparkline"]) == 2


def test_an_issue_keeps_at_least_one_fingerprint(desk, issue):
    with desk.database.write() as connection, pytest.raises(Conflict, match="at least one"):
        merging.split(connection, int(issue[1:]), [desk.only()["fingerprint"]], "ann", now())
    with desk.database.write() as connection, pytest.raises(Conflict, match="has no fingerprint"):
        merging.split(connection, int(issue[1:]), ["nope"], "ann", now())
    with desk.database.write() as connection, pytest.raises(Conflict, match="itself"):
        merging.merge(connection, int(issue[1:]), [int(issue[1:])], "ann", now())


def test_a_sudden_rise_is_told_of_once(desk):
    desk.occur(*(error(number, ago=3600 * 3 - number * 200) for number in range(50)))
    assert desk.notices() == ["new"]
    desk.occur(*(error(1000 + number) for number in range(60)))
    assert desk.notices() == ["new", "spike"]
    assert desk.told[-1]["level"] == "ERROR"
    assert desk.told[-1]["extra"]["in_five_minutes"] >= 60
    desk.occur(*(error(2000 + number) for number in range(60)))
    assert desk.notices() == ["new", "spike"]


@given(st.lists(st.integers(0, 15), min_size=12, max_size=288))
def test_what_is_usual_is_no_spike_and_a_hundredfold_of_it_is(before):
    assert not is_spike(max(before), before) or max(before) >= 20
    assert is_spike(100 + 100 * max(before), before)


def test_a_critical_component_is_told_of_as_critical(desk):
    desk.projector._policy = type(desk.policy)(critical=("payments*",))
    desk.occur(error(1, component="payments.card"), error(2, "KeyError", component="search"))
    assert [(line["extra"]["notice"], line["level"]) for line in desk.told] == [
        ("new", "WARNING"),
        ("critical", "CRITICAL"),
        ("new", "WARNING"),
    ]


def test_a_count_over_the_threshold_is_told_of_and_then_each_tenfold(desk):
    desk.projector._policy = type(desk.policy)(threshold=10)
    desk.occur(error(1, count=9))
    desk.occur(error(2))
    desk.occur(error(3, count=50))
    desk.occur(error(4, count=40))
    assert desk.notices() == ["new", "threshold", "threshold"]
    assert [line["extra"].get("threshold") for line in desk.told] == [None, 10, 100]


def test_nothing_is_told_of_what_is_ignored(desk, issue):
    desk.projector._policy = type(desk.policy)(threshold=5)
    decide(desk, issue, "ignore")
    desk.occur(*(error(10 + number) for number in range(50)))
    assert desk.notices() == ["new"]


def test_a_state_without_the_issue_says_so(desk):
    assert record.find(desk.database, desk.reader, "E99") is None
    assert record.find(desk.database, desk.reader, "") is None
    assert record.find(desk.database, desk.reader, "E" + "9" * 40) is None
