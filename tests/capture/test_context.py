"""Correlation fields: bound, nested, restored, and carried along."""

from __future__ import annotations

import asyncio
import threading

from hypothesis import given, strategies as st

import plainview
from plainview.capture.propagation import frame_from, inject, request_id_from
from plainview.context import current


def test_fields_nest_and_are_restored():
    with plainview.context(job_id="a", step=1):
        with plainview.context(step=2, page=3):
            assert plainview.fields() == {"job_id": "a", "step": 2, "page": 3}
        assert plainview.fields() == {"job_id": "a", "step": 1}
    assert plainview.fields() == {}


def test_none_takes_a_field_away_for_the_block():
    with plainview.context(job_id="a"):
        with plainview.context(job_id=None):
            assert plainview.fields() == {}
        assert plainview.fields() == {"job_id": "a"}


def test_bind_lasts_until_the_block_around_it_ends():
    with plainview.context():
        plainview.bind(user_id="u", step=1)
        plainview.unbind("step", "never bound")
        assert plainview.fields() == {"user_id": "u"}
    assert plainview.fields() == {}


def test_a_decorator_works_on_functions_coroutines_and_generators():
    @plainview.context(job_id="f")
    def function():
        return plainview.fields()["job_id"]

    @plainview.context(job_id="c")
    async def coroutine():
        await asyncio.sleep(0)
        return plainview.fields()["job_id"]

    @plainview.context(job_id="g")
    def generator():
        received = yield plainview.fields()["job_id"]
        yield received, plainview.fields()["job_id"]
        return "end"

    assert function() == "f"
    assert asyncio.run(coroutine()) == "c"
    steps = generator()
    assert next(steps) == "g"
    assert plainview.fields() == {}, "between two steps the caller's fields are back"
    assert steps.send("x") == ("x", "g")
    assert list(steps) == []


def test_a_restored_context_survives_an_exception():
    try:
        with plainview.context(a=1):
            raise KeyError
    except KeyError:
        assert plainview.fields() == {}


def test_tasks_of_asyncio_inherit_and_do_not_leak():
    async def child(name):
        plainview.bind(child=name)
        await asyncio.sleep(0)
        return plainview.fields()

    async def main():
        with plainview.context(request_id="r"):
            found = await asyncio.gather(child("a"), child("b"))
            return found, plainview.fields()

    found, after = asyncio.run(main())
    assert found == [{"request_id": "r", "child": "a"}, {"request_id": "r", "child": "b"}]
    assert after == {"request_id": "r"}


def test_a_context_closed_in_another_thread_does_not_raise():
    block = plainview.context(a=1)
    block.__enter__()
    thread = threading.Thread(target=block.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    plainview.unbind("a")


def test_values_with_a_hostile_equality_can_be_bound():
    class Array:
        def __eq__(self, other):
            raise ValueError("ambiguous")

        __hash__ = None

    with plainview.context(data=Array()):
        assert "data" in plainview.fields()


def test_headers_carry_trace_request_and_work_but_not_who_the_user_is(capture):
    with plainview.context(request_id="r-1", job_id="j 1", user_id="secret"), plainview.span("out") as span:
        headers: dict[str, str] = {}
        inject(headers)
    assert headers["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
    assert headers["X-Request-ID"] == "r-1"
    assert headers["baggage"] == "job_id=j%201"
    assert "secret" not in str(headers)

    frame = frame_from({name.lower(): value for name, value in headers.items()}.get)
    assert frame.bound.fields == {"job_id": "j 1"}
    assert f"{frame.span.get_span_context().trace_id:032x}" == span.trace_id


def test_headers_that_are_there_already_stay():
    with plainview.context(request_id="r-1"):
        headers = {"x-request-id": "mine"}
        inject(headers)
    assert headers == {"x-request-id": "mine"}


def test_an_incoming_request_id_is_kept_when_well_formed_else_replaced():
    assert request_id_from("abc-123_4.5") == "abc-123_4.5"
    for bad in (None, "", "a b", "a\nb", "abc\n", "x" * 129, "<script>", "é", "-a"):
        replaced = request_id_from(bad)
        assert replaced != bad
        assert len(replaced) == 32


@given(st.text(), st.text())
def test_no_incoming_header_raises_or_is_taken_unless_well_formed(traceparent, baggage):
    frame = frame_from({"traceparent": traceparent, "baggage": baggage}.get)
    assert frame.span is None or frame.span.get_span_context().is_valid
    assert set(frame.bound.fields) <= {
        "job_id",
        "batch_id",
        "run_id",
        "user_id",
        "project_id",
        "session_id",
        "tenant_id",
    }
    assert current.get().bound.fields == {}
