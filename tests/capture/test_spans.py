"""Spans: ours, those of OpenTelemetry's API, and those of an application that runs its SDK."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry import baggage, context as otel_context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

import plainview


def by_name(capture) -> dict[str, dict]:
    return {span["name"]: span for span in capture.spans()}


def test_spans_nest_and_logs_inside_carry_their_ids(capture):
    log = plainview.get_logger("a")
    with plainview.context(job_id="j"), plainview.span("outer", pages=3) as outer:
        with plainview.span("inner"):
            log.info("in")
        log.info("out")
    log.info("after")
    spans, logs = by_name(capture), capture.logs()
    assert spans["inner"]["parent_span_id"] == spans["outer"]["span_id"] == outer.span_id
    assert "parent_span_id" not in spans["outer"]
    assert spans["inner"]["trace_id"] == spans["outer"]["trace_id"]
    assert spans["outer"]["attributes"] == {"pages": 3}
    assert spans["outer"]["job_id"] == "j"
    assert spans["outer"]["end_time_unix_nano"] >= spans["inner"]["end_time_unix_nano"]
    assert [line.get("span_id") for line in logs] == [spans["inner"]["span_id"], spans["outer"]["span_id"], None]
    assert spans["outer"]["kind"] == "INTERNAL"
    assert spans["outer"]["status"] == "UNSET"


def test_an_exception_that_leaves_the_block_is_recorded_and_goes_on(capture):
    with pytest.raises(ValueError, match="bad"), plainview.span("s"):
        raise ValueError("bad")
    (span,) = capture.spans()
    assert (span["status"], span["status_message"]) == ("ERROR", "ValueError: bad")
    (event,) = span["events"]
    assert event["name"] == "exception"
    assert event["attributes"]["exception.type"] == "ValueError"
    assert "raise ValueError" in event["attributes"]["exception.stacktrace"]


@pytest.mark.parametrize("leaving", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_what_is_no_error_does_not_make_the_span_one(capture, leaving):
    with pytest.raises(leaving), plainview.span("s"):
        raise leaving
    assert capture.spans()[0]["status"] == "UNSET"


def test_events_links_status_and_names(capture):
    with plainview.span("first") as first, plainview.span("second") as second:
        second.add_event("cached", {"key": "k"})
        second.add_link(first.get_span_context(), {"why": "batch"})
        second.set_attributes({"a": 1, "b": [1, 2]})
        second.set_status(StatusCode.OK)
        second.set_status(Status(StatusCode.ERROR, "too late: OK is final"))
        second.update_name("renamed")
    span = by_name(capture)["renamed"]
    assert span["events"][0]["name"] == "cached"
    assert span["events"][0]["attributes"] == {"key": "k"}
    assert span["links"] == [{"trace_id": first.trace_id, "span_id": first.span_id, "attributes": {"why": "batch"}}]
    assert (span["status"], span["attributes"]) == ("OK", {"a": 1, "b": [1, 2]})


def test_what_is_bound_inside_is_on_the_span_and_secrets_are_not(capture):
    with plainview.context(), plainview.span("s", password="hunter2"):
        plainview.bind(user_id="u-1", tier="gold")
    (span,) = capture.spans()
    assert span["user_id"] == "u-1"
    assert span["attributes"] == {"tier": "gold", "password": "[scrubbed]"}


def test_traced_functions_of_every_kind(capture):
    @plainview.traced
    def plain():
        return 1

    @plainview.traced(name="named", a=1)
    async def coroutine():
        await asyncio.sleep(0)
        return 2

    @plainview.traced(name="gen")
    def generator():
        yield 1
        yield 2

    @plainview.traced(name="agen")
    async def async_generator():
        yield 1

    async def consume():
        return [item async for item in async_generator()]

    assert plain() == 1
    assert asyncio.run(coroutine()) == 2
    assert list(generator()) == [1, 2]
    assert asyncio.run(consume()) == [1]
    names = [span["name"] for span in capture.spans()]
    assert names[1:] == ["named", "gen", "agen"]
    assert names[0].endswith("plain")


def test_async_with_and_tasks(capture):
    async def work(name):
        async with plainview.span(name):
            await asyncio.sleep(0.001)

    async def main():
        async with plainview.span("root"):
            await asyncio.gather(*(work(f"w{number}") for number in range(3)))

    asyncio.run(main())
    spans = by_name(capture)
    assert {spans[f"w{number}"]["parent_span_id"] for number in range(3)} == {spans["root"]["span_id"]}


def test_the_apis_tracer_makes_our_spans(capture):
    tracer = trace.get_tracer("lib.db", "1.0")
    with plainview.span("ours") as ours:
        with tracer.start_as_current_span("theirs", kind=SpanKind.CLIENT, attributes={"db.system": "x"}) as theirs:
            assert trace.get_current_span() is theirs
            with plainview.span("leaf"):
                pass
        assert trace.get_current_span() is ours
    spans = by_name(capture)
    assert spans["theirs"]["parent_span_id"] == spans["ours"]["span_id"]
    assert spans["leaf"]["parent_span_id"] == spans["theirs"]["span_id"]
    assert (spans["theirs"]["kind"], spans["theirs"]["scope"]) == ("CLIENT", "lib.db")
    assert spans["theirs"]["attributes"] == {"db.system": "x"}


def test_the_apis_context_baggage_and_explicit_parents(capture):
    tracer = trace.get_tracer("t")
    root = tracer.start_span("root")
    token = otel_context.attach(baggage.set_baggage("k", "v"))
    with trace.use_span(root, end_on_exit=True):
        assert baggage.get_baggage("k") == "v"
        assert trace.get_current_span() is root
    otel_context.detach(token)
    assert baggage.get_baggage("k") is None
    tracer.start_span("child", context=trace.set_span_in_context(root), links=[Link(root.get_span_context())]).end()
    spans = by_name(capture)
    assert spans["child"]["parent_span_id"] == spans["root"]["span_id"]
    assert spans["child"]["links"][0]["span_id"] == spans["root"]["span_id"]
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_span_ends_once_and_takes_nothing_after(capture):
    span = trace.get_tracer("t").start_span("s", start_time=1_000_000_000)
    span.end(end_time=3_000_000_000)
    span.end()
    span.set_attribute("late", 1)
    assert not span.is_recording()
    (found,) = capture.spans()
    assert (found["start_time_unix_nano"], found["end_time_unix_nano"]) == (1_000_000_000, 3_000_000_000)
    assert found["attributes"] == {}


def test_an_application_with_the_sdk_keeps_its_exporter_and_we_record_its_spans(capture):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.add_span_processor(plainview.SpanProcessor())
    tracer = provider.get_tracer("app")
    with pytest.raises(KeyError), tracer.start_as_current_span("sdk", attributes={"a": 1}) as sdk:
        with plainview.span("ours"):
            plainview.get_logger("a").info("inside")
        sdk.add_event("e", {"x": 1})
        raise KeyError("k")
    spans = by_name(capture)
    (exported,) = exporter.get_finished_spans()
    assert spans["sdk"]["trace_id"] == f"{exported.context.trace_id:032x}"
    assert spans["sdk"]["attributes"] == {"a": 1}
    assert spans["sdk"]["status"] == "ERROR"
    assert [event["name"] for event in spans["sdk"]["events"]] == ["e", "exception"]
    assert spans["ours"]["parent_span_id"] == spans["sdk"]["span_id"]
    assert capture.last()["trace_id"] == spans["sdk"]["trace_id"]


def test_ratio_sampling_is_decided_at_the_root_and_followed_by_children(capture):
    capture.configure(trace_sample=0.25)
    for _ in range(400):
        with plainview.span("root"), plainview.span("child"):
            pass
    names = [span["name"] for span in capture.spans()]
    assert names.count("root") == names.count("child")
    assert 50 < names.count("root") < 160


def test_a_remote_parents_decision_is_followed(capture):
    from plainview.capture.propagation import frame_from
    from plainview.context import current

    for flag in ("00", "01"):
        token = current.set(frame_from({"traceparent": f"00-{'a' * 32}-{'b' * 16}-{flag}"}.get))
        with plainview.span(f"flag {flag}"):
            pass
        current.reset(token)
    (span,) = capture.spans()
    assert (span["name"], span["parent_span_id"]) == ("flag 01", "b" * 16)


def test_tail_sampling_keeps_what_failed_and_what_was_slow_whole(capture):
    capture.configure(trace_tail=0.0, trace_slow_ms=30)

    def one(name, error=False, slow=False):
        try:
            with plainview.span(name), plainview.span(f"{name} child"):
                if slow:
                    import time

                    time.sleep(0.04)
                if error:
                    raise ValueError
        except ValueError:
            pass

    one("ordinary")
    one("failed", error=True)
    one("slow", slow=True)
    assert {span["name"] for span in capture.spans()} == {"failed", "failed child", "slow", "slow child"}
    from plainview.capture import runtime

    assert runtime.runtime().recorder.spool.counters.sampled == 2


def test_a_span_that_is_too_large_is_recorded_without_its_attributes(capture):
    with plainview.span("big", **{f"k{number}": "y" * 16_000 for number in range(40)}):
        pass
    assert "left out" in capture.spans()[0]["attributes"]["line_too_long"]


def test_hostile_names_and_messages_are_data(capture):
    with pytest.raises(RuntimeError), plainview.span('n"\n\0\ud800'):
        raise RuntimeError('m"\n\x1b[31m\ud800')
    assert capture.spans()[0]["name"] == 'n"\n\0\\ud800'
