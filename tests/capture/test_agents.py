"""Agents: rounds, answers of the wrong form, outcomes; and what makes no progress."""

from __future__ import annotations

import asyncio
import time

import pytest
from captured import read

import plainview
from plainview.capture.operations import stalls
from plainview.capture.operations.agents import agent
from plainview.capture.operations.operation import job


def series(name: str) -> dict[tuple[str, ...], float]:
    """Values of a metric of this process, by their labels."""
    from plainview.capture.metrics.families import metric

    return {key: found.value for key, found in metric(name)._series.items()}


def lines(capture, words: str) -> list[dict]:
    return [line for line in capture.logs() if line["message"].startswith(words)]


def record(capture, **members) -> list[dict]:
    return [
        line
        for line in read(capture.directory, "operation")
        if all(line.get(name) == value for name, value in members.items())
    ]


def test_role_stage_and_project_are_on_everything_that_happens_inside(capture):
    capture.configure()
    with agent("writer", stage="outline", project_id="p-1", provider="acme"):
        plainview.get_logger("llm").info("asked", cost=0.02)
    (asked,) = lines(capture, "asked")
    assert (asked["project_id"], asked["extra"]["agent_role"], asked["extra"]["stage"]) == ("p-1", "writer", "outline")
    (opened,) = record(capture, event="open")
    assert (opened["kind"], opened["name"], opened["project_id"]) == ("agent", "writer", "p-1")
    assert opened["data"] == {"stage": "outline", "project_id": "p-1", "provider": "acme"}
    assert "agent_role" not in plainview.fields()


def test_iterations_are_told_and_counted(capture):
    capture.configure(level="DEBUG")
    before = series("agent_iterations_total").get(("counted",), 0)
    with agent("counted") as work:
        work.iteration()
        work.iteration()
        with work.iteration(7):
            plainview.get_logger("llm").info("inside")
    assert [line["extra"]["iteration"] for line in lines(capture, "agent iteration: counted")] == [1, 2, 7]
    assert {line["level"] for line in lines(capture, "agent iteration: counted")} == {"DEBUG"}
    assert series("agent_iterations_total")["counted",] - before == 3
    (closed,) = record(capture, event="close")
    assert (closed["done"], closed["step"], closed["data"]["iterations"]) == (7, "iteration 7", 7)
    (round_,) = [span for span in capture.spans() if span["name"] == "iteration counted"]
    assert lines(capture, "inside")[0]["span_id"] == round_["span_id"]
    assert round_["parent_span_id"] == work.operation_id


def test_an_answer_that_violates_its_schema_is_told_and_counted(capture):
    capture.configure()
    before = series("agent_schema_violations_total").get(("critic", "Review"), 0)
    with agent("critic") as work:
        work.iteration()
        work.schema_violation("Review", ValueError("score is missing"))
        work.schema_violation("Review", "no JSON")
    told = lines(capture, "agent schema violated: critic")
    assert [(line["level"], line["extra"]["reason"]) for line in told] == [
        ("WARNING", "ValueError: score is missing"),
        ("WARNING", "no JSON"),
    ]
    assert series("agent_schema_violations_total")["critic", "Review"] - before == 2
    first, second = record(capture, event="warning")
    assert (first["reason"], first["error_type"]) == ("schema Review: ValueError: score is missing", "ValueError")
    assert second["data"] == {"schema": "Review", "iteration": 1}
    assert record(capture, event="close")[0]["data"]["schema_violations"] == 2


@pytest.mark.parametrize(
    ("success", "status", "level"), [(True, "completed", "INFO"), (False, "failed", "ERROR")], ids=["well", "badly"]
)
def test_an_outcome_decides_how_an_agent_ends(capture, success, status, level):
    capture.configure()
    before = series("agent_runs_total").get(("judge", status), 0)
    with agent("judge") as work:
        work.outcome("accepted" if success else "gave up", success=success, score=7.5)
    (closed,) = record(capture, event="close")
    assert closed["status"] == status
    assert closed["data"] == {"outcome": "accepted" if success else "gave up", "success": success, "score": 7.5}
    assert closed.get("reason", "") == ("" if success else "outcome: gave up")
    (ended,) = lines(capture, f"agent {status}: judge")
    assert ended["level"] == level
    assert series("agent_runs_total")["judge", status] - before == 1
    assert series("agents_in_progress")["judge",] == 0


def test_a_later_outcome_counts(capture):
    capture.configure()
    with agent("judge") as work:
        work.outcome("rejected", success=False)
        work.outcome("accepted")
    assert record(capture, event="close")[0]["status"] == "completed"


def test_agents_that_work_together_are_one_trace(capture):
    capture.configure()

    async def critic(number: int) -> None:
        async with agent("critic", number=number) as one:
            one.iteration()
            await asyncio.sleep(0)

    async def workflow() -> None:
        async with agent("orchestrator", project_id="p-1") as whole, agent("writer"):
            whole.iteration()
            await asyncio.gather(critic(1), critic(2))

    asyncio.run(workflow())
    spans = {span["name"]: span for span in capture.spans()}
    assert len({span["trace_id"] for span in capture.spans()}) == 1
    assert spans["agent critic"]["parent_span_id"] == spans["agent writer"]["span_id"]
    critics = record(capture, name="critic", event="open")
    assert {line["parent_id"] for line in critics} == {spans["agent writer"]["span_id"]}
    assert {line["project_id"] for line in critics} == {"p-1"}


def test_an_agent_that_tries_again_says_so(capture):
    capture.configure()
    before = series("agent_retries_total").get(("writer",), 0)
    with pytest.raises(TimeoutError), agent("writer") as work:
        work.retry(TimeoutError("provider"))
        raise TimeoutError("provider")
    assert series("agent_retries_total")["writer",] - before == 1
    (failed,) = lines(capture, "agent failed: writer")
    assert failed["exception"]["type"] == "TimeoutError"
    assert failed["extra"]["attempts"] == 2


def test_an_agent_decorates_and_goes_on_elsewhere(capture):
    capture.configure()

    @agent("writer", stage="draft")
    def write() -> str:
        return plainview.fields()["stage"]

    assert write() == write() == "draft"
    with agent("handed", stage="draft") as work:
        work.iteration()
        token = work.detach()
    with plainview.resume(token) as again:
        assert plainview.fields()["stage"] == "draft"
        again.iteration()
    assert len(record(capture, name="writer", event="open")) == 2
    assert record(capture, name="handed", event="close")[0]["data"]["iterations"] == 2


@pytest.mark.parametrize("value", [None, object(), float("nan"), "\ud800", {"a": 1}], ids=lambda value: repr(value)[:8])
def test_nothing_odd_hurts_an_agent(capture, value):
    capture.configure()
    with agent("odd", stage=value, project_id=value) as work:
        work.iteration(value)
        work.schema_violation(value, value)
        work.outcome(value, success=value is not None)
    assert record(capture, event="close")[0]["status"] in {"completed", "failed"}


# -- stalls ------------------------------------------------------------------------------------------------------------


def stalled(capture) -> list[dict]:
    return [line for line in capture.logs() if " stalled: " in line["message"]]


def waited(capture, count: int) -> list[dict]:
    """What is told as stalled, once there is so much of it."""
    end = time.monotonic() + 30
    while len(stalled(capture)) < count and time.monotonic() < end:
        time.sleep(0.02)
    return stalled(capture)


def test_a_workflow_without_progress_is_told_of_once(capture):
    capture.configure()
    with job("book", id="j-1", stall_after=0.05) as work:
        work.progress(1, 3, step="outline")
        waited(capture, 1)
        (told,) = stalled(capture)
        stalls._look(time.monotonic() + 100)
        assert len(stalled(capture)) == 1
    assert (told["level"], told["message"], told["job_id"]) == ("WARNING", "job stalled: book", "j-1")
    assert told["extra"]["step"] == "outline"
    (warned,) = record(capture, event="warning")
    assert warned["data"]["stalled"] is True
    assert warned["reason"].startswith("no progress for ")
    assert series("operations_stalled_total")["job", "book"] == 1
    assert not stalls.watched


def test_it_is_told_again_when_it_stalls_again(capture):
    capture.configure()
    with agent("writer", stall_after=0.05) as work:
        waited(capture, 1)
        work.iteration()
        assert len(waited(capture, 2)) == 2


def test_what_happens_inside_is_progress_of_what_is_around(capture):
    capture.configure()
    with agent("orchestrator", stall_after=100) as whole:
        patience = stalls.watched[whole]
        for happens in (
            lambda: agent("writer").start().finish(),
            lambda: whole.progress(1, 2),
            lambda: whole.checkpoint(chapter=1),
            lambda: whole.item(1).__enter__(),
            whole.iteration,
        ):
            patience.since, patience.told = 0.0, True
            happens()
            assert patience.since > 0
            assert not patience.told
    assert stalled(capture) == []
