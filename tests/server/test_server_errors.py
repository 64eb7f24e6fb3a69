"""Errors over HTTP: listed, looked at, decided about; and from any record to what belongs to it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from live_server import assert_problem, run_server

BEGIN = datetime.now(UTC) - timedelta(minutes=30)


def at(second: float) -> str:
    return (BEGIN + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")


def error(number: int, kind: str = "ValueError", **fields) -> dict:
    frames = [
        {"file": "studio/books.py", "module": "studio.books", "function": "create", "line": 3, "source": "f()"},
        {"path": "/usr/lib/python3.11/json/decoder.py", "module": "json.decoder", "function": "decode", "line": 9},
    ]
    return {
        "timestamp": at(number),
        "level": "ERROR",
        "message": "could not",
        "error_id": f"{number:032x}",
        "mechanism": "asgi",
        "service": "studio",
        "exceptions": [{"type": kind, "module": "builtins", "message": f"no {kind} book", "frames": frames}],
        "stack_trace": f"Traceback (most recent call last):\n{kind}: no book\n",
    } | fields


def settled(server) -> list[dict]:
    """The issues, once all occurrences are taken in."""
    until = time.monotonic() + 30
    while True:
        rows = server.serving.store.query("SELECT coalesce(sum(count), 0) FROM error_occurrences").rows[0][0]
        found = server.get("/v1/errors", limit=1000)["errors"]
        if sum(issue["occurrence_count"] for issue in found) == rows:
            return found
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("errors")) as server:
        span = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "POST /books", "service": "studio"}
        span |= {"start_time_unix_nano": int(BEGIN.timestamp() * 1e9), "request_id": "q1"}
        span |= {"end_time_unix_nano": int(BEGIN.timestamp() * 1e9) + 10**9}
        server.ingest(
            *(error(n, user_id=f"u{n % 3}", version="1.0", context={"tags": {"shard": n % 2}}) for n in range(6)),
            *(error(10 + n, "KeyError", job_id="j1", batch_id="b1", level="CRITICAL") for n in range(3)),
            error(20, "ConnectionError", service="worker", run_id="r1", environment="staging", count=50),
            error(30, "OSError", request_id="q1", trace_id="a" * 32, job_id="j7", user_id="u9"),
            *(
                {"timestamp": at(25 + n), "message": f"line {n}", "request_id": "q1", "trace_id": "a" * 32}
                for n in range(4)
            ),
            {
                "timestamp": at(30),
                "level": "ERROR",
                "message": "could not",
                "request_id": "q1",
                "trace_id": "a" * 32,
                "job_id": "j7",
                "exception": {"type": "OSError", "message": "no OSError book", "error_id": f"{30:032x}"},
            },
            span,
        )
        settled(server)
        yield server


def issue_of(server, kind: str) -> dict:
    (found,) = server.get("/v1/errors", type=kind)["errors"]
    return found


def test_a_list_has_each_issue_with_its_counts_and_its_last_day(filled):
    page = filled.get("/v1/errors", sort="count")
    assert page["total"] == 4
    assert [issue["occurrence_count"] for issue in page["errors"]] == [50, 6, 3, 1]
    values = issue_of(filled, "ValueError")
    assert (values["users"], values["status"], values["level"]) == (3, "new", "ERROR")
    assert sum(values["sparkline"]) == 6
    assert len(values["sparkline"]) == 24


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "KeyError"}, {"KeyError"}),
        ({"type": ["KeyError", "OSError"]}, {"KeyError", "OSError"}),
        ({"category": "bug"}, None),
        ({"status": "resolved"}, set()),
        ({"service": "worker"}, {"ConnectionError"}),
        ({"environment": "staging"}, {"ConnectionError"}),
        ({"release": "1.0"}, {"ValueError"}),
        ({"job_id": "j1"}, {"KeyError"}),
        ({"batch_id": "b1"}, {"KeyError"}),
        ({"run_id": "r1"}, {"ConnectionError"}),
        ({"user_id": "u2"}, {"ValueError"}),
        ({"level": "CRITICAL"}, {"KeyError"}),
        ({"text": "keyerror BOOK"}, {"KeyError"}),
        ({"text": "50%_nothing"}, set()),
        ({"text": "studio.books"}, {"ValueError", "KeyError", "OSError", "ConnectionError"}),
        ({"first_seen_after": at(15)}, {"ConnectionError", "OSError"}),
        ({"last_seen_before": at(15)}, {"ValueError", "KeyError"}),
        ({"last_seen_after": "-1d"}, {"ValueError", "KeyError", "OSError", "ConnectionError"}),
    ],
)
def test_a_list_can_be_narrowed(filled, given, expected):
    answer = filled.client.get("/v1/errors", params=given).json()
    found = {issue["error_type"] for issue in answer["errors"]}
    assert answer["total"] == len(found)
    if expected is None:
        assert "ValueError" in found
    else:
        assert found == expected


@pytest.mark.parametrize("sort", ["last_seen", "first_seen", "count", "users", "jobs", "level"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_hold_each_issue_once_in_order(filled, sort, order):
    found, cursor = [], None
    while True:
        page = filled.get("/v1/errors", sort=sort, order=order, limit=1, **({"cursor": cursor} if cursor else {}))
        assert page["total"] == 4
        found += page["errors"]
        cursor = page["next"]
        if cursor is None:
            break
    assert len({issue["id"] for issue in found}) == len(found) == 4
    key = {"count": "occurrence_count"}.get(sort, sort)
    if sort != "level":
        values = [issue[key] for issue in found]
        assert values == sorted(values, reverse=order == "desc")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "gone"}, "status.0"),
        ({"sort": "mood"}, "sort"),
        ({"limit": 0}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"level": "LOUD"}, "level"),
        ({"last_seen_after": "soon"}, "last_seen_after"),
        ({"nonsense": "1"}, "nonsense"),
    ],
)
def test_what_is_wrong_with_a_list_is_named(filled, query, field):
    assert_problem(filled.client.get("/v1/errors", params=query), 422, field)


def test_an_issue_has_the_fields_of_an_error_record_and_what_it_touched(filled):
    whole = filled.get(f"/v1/errors/{issue_of(filled, 'KeyError')['id']}")
    record = {
        *("error_id", "error_type", "error_message", "stack_trace", "fingerprint", "first_seen", "last_seen"),
        *("occurrence_count", "affected_jobs", "affected_batches", "context", "status", "resolution_notes"),
    }
    assert record <= set(whole)
    assert (whole["affected_jobs"], whole["affected_batches"]) == (["j1"], ["b1"])
    assert whole["stack_trace"].startswith("Traceback")
    assert whole["context"]["job_id"] == "j1"
    assert whole["action"]


def test_a_fingerprint_and_an_occurrence_lead_to_the_issue(filled):
    issue = issue_of(filled, "KeyError")
    for id_ in (issue["id"], issue["id"].lower(), issue["fingerprint"], f"{11:032x}"):
        assert filled.get(f"/v1/errors/{id_}")["id"] == issue["id"]
    assert_problem(filled.client.get("/v1/errors/E999"), 404)
    assert_problem(filled.client.get("/v1/errors/nothing"), 404)


def test_occurrences_come_page_by_page_newest_first(filled):
    path = f"/v1/errors/{issue_of(filled, 'ValueError')['id']}/occurrences"
    first = filled.get(path, limit=4)
    rest = filled.get(path, limit=4, cursor=first["next"])
    ids = [row["error_id"] for row in first["occurrences"] + rest["occurrences"]]
    assert ids == [f"{number:032x}" for number in (5, 4, 3, 2, 1, 0)]
    assert (first["total"], rest["next"]) == (6, None)


def test_an_occurrence_is_whole_with_the_lines_before_it_and_its_neighbours(filled):
    issue = issue_of(filled, "ValueError")
    middle = filled.get(f"/v1/errors/{issue['id']}/occurrences/{3:032x}")
    assert (middle["newer"], middle["older"]) == (f"{4:032x}", f"{2:032x}")
    assert [frame["in_app"] for frame in middle["exceptions"][0]["frames"]] == [True, False]
    assert middle["context"]["tags"] == {"shard": 1}
    broken = issue_of(filled, "OSError")
    only = filled.get(f"/v1/errors/{broken['id']}/occurrences/{30:032x}")
    assert [line["message"] for line in only["breadcrumbs"]] == [f"line {n}" for n in range(4)]
    assert (only["newer"], only["older"], only["trace_id"]) == (None, None, "a" * 32)
    assert filled.get(f"/v1/logs/{only['log']}")["message"] == "could not"
    assert_problem(filled.client.get(f"/v1/errors/{issue['id']}/occurrences/{30:032x}"), 404)


def test_the_latest_occurrence_is_found_by_that_name(filled):
    for issue in filled.get("/v1/errors")["errors"]:
        about = f"/v1/errors/{issue['id']}"
        latest = filled.get(f"{about}/occurrences/latest")
        assert latest["error_id"] == filled.get(about)["latest"]
        assert latest == filled.get(f"{about}/occurrences/{latest['error_id']}")
        assert latest["newer"] is None


def test_what_comes_along_with_an_issue_is_what_there_is_by_itself(filled):
    for issue in filled.get("/v1/errors")["errors"]:
        about = f"/v1/errors/{issue['id']}"
        alone = filled.get(about)
        page = filled.get(about, include=["occurrence", "distributions"])
        assert page.pop("occurrence") == filled.get(f"{about}/occurrences/latest")
        assert page.pop("distributions") == filled.get(f"{about}/distributions")["distributions"]
        assert page == alone
    assert_problem(filled.client.get(f"{about}?include=everything"), 422, "include.0")


def test_distributions_are_weighted_and_know_tags(filled):
    found = {
        entry["field"]: {value["value"]: value["count"] for value in entry["values"]}
        for entry in filled.get(f"/v1/errors/{issue_of(filled, 'ValueError')['id']}/distributions")["distributions"]
    }
    assert found["service"] == {"studio": 6}
    assert found["user_id"] == {"u0": 2, "u1": 2, "u2": 2}
    assert found["tags.shard"] == {"0": 3, "1": 3}
    worker = filled.get(f"/v1/errors/{issue_of(filled, 'ConnectionError')['id']}/distributions")["distributions"]
    assert {"field": "environment", "values": [{"value": "staging", "count": 50}]} in worker


def test_the_summary_counts_by_status_and_over_time(filled):
    summary = filled.get("/v1/errors/summary", start_time="-3h")
    assert (summary["total"], summary["occurrences"]) == (4, 60)
    assert sum(summary["by_status"].values()) == sum(summary["by_category"].values()) == 4
    assert summary["top"][0]["error_type"] == "ConnectionError"
    assert summary["top"][0]["in_range"] == 50
    assert sum(hour["count"] for hour in summary["frequency"]) == 60
    assert_problem(filled.client.get("/v1/errors/summary?start_time=now&end_time=-1h"), 422, "end_time")


def test_grouping_says_why_and_similar_ones_are_found(filled):
    issue = issue_of(filled, "KeyError")
    why = filled.get(f"/v1/errors/{issue['id']}/grouping")
    assert why["fingerprint"] == issue["fingerprint"]
    assert any("KeyError" in part for part in why["parts"])
    similar = filled.get(f"/v1/errors/{issue['id']}/similar")["errors"]
    assert issue["id"] not in {each["id"] for each in similar}
    assert {"ValueError", "OSError"} <= {each["error_type"] for each in similar}


@pytest.mark.parametrize("given", [{"error": f"{30:032x}"}, {"trace": "a" * 32}, {"request": "q1"}, {"log": None}])
def test_from_any_record_one_call_leads_to_all_that_belongs_to_it(filled, given):
    if "log" in given:
        given = {"log": filled.post("/v1/logs/search", {"q": "level:error", "request_id": "q1"})["logs"][0]["id"]}
    found = filled.get("/v1/related", **given)
    assert found["trace"]["trace_id"] == "a" * 32
    assert found["trace"]["spans"] == 1
    assert found["logs"]["count"] == 5
    (related,) = found["errors"]
    assert (related["error_id"], related["issue"]) == (f"{30:032x}", issue_of(filled, "OSError")["id"])


def test_from_a_job_to_its_errors(filled):
    found = filled.get("/v1/related", job="j1")
    assert {each["error_type"] for each in found["errors"]} == {"KeyError"}
    assert found["job"] == "j1"
    assert_problem(filled.client.get("/v1/related?job=nope"), 404)
    assert_problem(filled.client.get("/v1/related"), 422, "log")
    assert_problem(filled.client.get("/v1/related?job=j1&run=r1"), 422, "log")


def test_any_id_of_an_error_is_resolved(filled):
    issue = issue_of(filled, "KeyError")
    assert filled.get("/v1/resolve", id=issue["id"])["url"] == f"/errors/{issue['id']}"
    assert filled.get("/v1/resolve", id=issue["fingerprint"])["url"] == f"/errors/{issue['id']}"
    url = filled.get("/v1/resolve", id=f"{11:032x}")["url"]
    assert url == f"/errors/{issue['id']}?occurrence={11:032x}"
    assert filled.get("/v1/resolve", id="q1")["kind"] == "request"


def test_what_is_noticed_is_a_log_line(filled):
    until = time.monotonic() + 30
    while len(told := filled.post("/v1/logs/search", {"logger": "plainview.errors"})["logs"]) < 4:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert {line["level"] for line in told} >= {"WARNING"}
    assert {line["extra"]["issue"] for line in told} == {issue["id"] for issue in filled.get("/v1/errors")["errors"]}


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A server whose issues are decided about."""
    with run_server(tmp_path_factory.mktemp("worked")) as server:
        yield server


@pytest.fixture
def fresh(worked, request) -> str:
    """An issue of the test's own."""
    kind = "Error" + "".join(letter for letter in request.node.name.title() if letter.isalpha())[-60:]
    fresh.number = getattr(fresh, "number", 1000) + 1
    worked.ingest(error(fresh.number, kind))
    settled(worked)
    return issue_of(worked, kind)["id"]


def test_from_new_to_resolved_and_what_is_written_of_it(worked, fresh):
    path = f"/v1/errors/{fresh}"
    assert worked.client.post(f"{path}/acknowledge").json()["status"] == "acknowledged"  # without a body
    worked.post(f"{path}/assign", {"assignee": "bob", "actor": "ann"})
    worked.post(f"{path}/comments", {"text": "a lock?", "actor": "bob"})
    done = worked.post(f"{path}/resolve", {"notes": "a lock", "actor": "bob"})
    assert (done["status"], done["resolution_notes"], done["assignee"]) == ("resolved", "a lock", "bob")
    history = worked.get(f"{path}/history")["history"]
    assert [(line["actor"], line["action"]) for line in reversed(history)] == [
        ("somebody", "acknowledge"),
        ("ann", "assigned"),
        ("bob", "commented"),
        ("bob", "resolve"),
    ]
    assert worked.post(f"{path}/unresolve", {})["status"] == "new"


def test_what_the_status_does_not_allow_is_a_conflict_that_says_what_it_does(worked, fresh):
    worked.post(f"/v1/errors/{fresh}/resolve", {})
    problem = assert_problem(worked.client.post(f"/v1/errors/{fresh}/ignore", json={}), 409)
    assert "reopen" in problem["detail"]


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("ignore", {"until": "yesterday"}, "until"),
        ("ignore", {"until": "-1h"}, "until"),
        ("ignore", {"count": 0}, "count"),
        ("resolve", {"in_release": ""}, "in_release"),
        ("assign", {}, "assignee"),
        ("comments", {"text": ""}, "text"),
        ("merge", {"ids": []}, "ids"),
        ("acknowledge", {"nonsense": 1}, "nonsense"),
    ],
)
def test_a_decision_that_is_none_is_refused(worked, fresh, action, body, field):
    assert_problem(worked.client.post(f"/v1/errors/{fresh}/{action}", json=body), 422, field)


def test_ignored_for_a_week_it_says_until_when(worked, fresh):
    done = worked.post(f"/v1/errors/{fresh}/ignore", {"until": "7d", "count": 100})
    assert done["status"] == "ignored"
    assert done["ignored_until"] > datetime.now(UTC).isoformat()
    assert done["ignored_until_count"] == 101


def test_several_are_decided_about_at_once_each_by_itself(worked, fresh):
    worked.ingest(error(2001, "ErrorOne"), error(2002, "ErrorTwo"))
    settled(worked)
    ids = [fresh, issue_of(worked, "ErrorOne")["id"]]
    worked.post(f"/v1/errors/{ids[1]}/ignore", {})
    done = worked.post("/v1/errors/update", {"ids": [*ids, "E9999"], "action": "acknowledge", "actor": "ann"})
    assert done["updated"] == [fresh]
    assert {failed["id"] for failed in done["failed"]} == {ids[1], "E9999"}
    refused = worked.client.post("/v1/errors/update", json={"ids": [ids[1]], "action": "acknowledge"})
    assert_problem(refused, 409)
    assert_problem(worked.client.post("/v1/errors/update", json={"ids": ["E9"], "action": "explode"}), 422, "action")
    assert_problem(worked.client.post("/v1/errors/update", json={"ids": ["nope"], "action": "ignore"}), 404)


def test_merged_and_split_again(worked, fresh):
    worked.ingest(error(3001, "ErrorMerged"))
    settled(worked)
    other = issue_of(worked, "ErrorMerged")
    merged = worked.post(f"/v1/errors/{fresh}/merge", {"ids": [other["id"]], "actor": "ann"})
    assert merged["occurrence_count"] == 2
    assert worked.get(f"/v1/errors/{other['id']}")["id"] == fresh
    assert worked.get(f"/v1/errors/{fresh}/occurrences")["total"] == 2
    split = worked.post(f"/v1/errors/{fresh}/split", {"fingerprints": [other["fingerprint"]]})
    assert split == {"ids": [other["id"]]}
    assert worked.get(f"/v1/errors/{other['id']}")["occurrence_count"] == 1
    assert_problem(worked.client.post(f"/v1/errors/{fresh}/split", json={"fingerprints": ["zz"]}), 409)


def test_an_event_that_is_sent_twice_counts_once(worked, fresh):
    for _ in range(2):
        body = {"X-Plainview-Batch": "twice"}
        worked.client.post("/v1/ingest", json=error(4001, "ErrorTwice"), headers=body)
    worked.ingest(error(4002, "ErrorTwice"))
    until = time.monotonic() + 30  # the batch is a stream of its own, which has to be found first
    while sum(issue["occurrence_count"] for issue in worked.get("/v1/errors", type="ErrorTwice")["errors"]) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    settled(worked)
    assert issue_of(worked, "ErrorTwice")["occurrence_count"] == 2


def test_rules_that_cannot_be_read_are_told_at_the_start(tmp_path):
    from plainview.server.serving import CannotServe

    rules = tmp_path / "rules.toml"
    rules.write_text("[[rules]]\nnonsense = 1\n", encoding="utf-8")
    with pytest.raises(CannotServe, match="PLAINVIEW_ERROR_RULES"), run_server(tmp_path, error_rules=str(rules)):
        pass


def test_the_users_rules_group_and_name_the_category(tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rules]]\ntype = "*Error"\nfingerprint = ["all of them"]\ncategory = "external"\n', encoding="utf-8"
    )
    with run_server(tmp_path / "data", error_rules=str(rules)) as server:
        server.ingest(error(1, "KeyError"), error(2, "ValueError"))
        (issue,) = settled(server)
        assert (issue["occurrence_count"], issue["category"]) == (2, "external")
