"""An exception becomes one occurrence, with all that belongs to it, whoever meets it and however hostile it is."""

from __future__ import annotations

import copy
import logging
import pickle
import sys
import threading

import msgspec
import pytest
from errors import divide, errors, only, printed, raised

import plainview
from plainview.records import ErrorRecord, RaisedException

log = plainview.get_logger("shop")


def test_a_logged_exception_is_an_error_with_what_is_known_of_it(capture):
    with plainview.context(job_id="j-1", component="billing", shelf=4):
        try:
            divide(0)
        except ZeroDivisionError as error:
            expected = printed(error)
            log.exception("cannot divide", order=7)
    record = only(capture)
    assert record["level"] == "ERROR"
    assert (record["logger"], record["message"]) == ("shop", "cannot divide")
    assert (record["service"], record["environment"], record["pid"]) == ("test", "production", capture.last()["pid"])
    assert (record["job_id"], record["component"]) == ("j-1", "billing")
    assert record["extra"] == {"order": 7, "component": "billing", "shelf": 4}
    assert (record["mechanism"], record.get("handled", True), record.get("count", 1)) == ("logging", True, 1)
    assert record["stack_trace"] == expected
    (exception,) = record["exceptions"]
    assert (exception["type"], exception["message"]) == ("ZeroDivisionError", "division by zero")
    outer, inner = exception["frames"]
    assert outer["function"] == "test_a_logged_exception_is_an_error_with_what_is_known_of_it"
    assert (inner["module"], inner["function"], inner["source"]) == ("errors", "divide", "    return 1 / by")
    assert inner["before"][-2] == "def divide(by: int) -> float:"
    assert outer["path"] == __file__
    assert inner["path"].endswith(inner["file"])
    assert not inner["file"].startswith("/")
    assert "locals" not in inner
    line = capture.last()
    assert line["exception"]["error_id"] == record["error_id"]
    assert line["exception"]["stack_trace"] == expected


def test_an_error_has_the_form_that_both_halves_share(capture):
    try:
        try:
            divide(0)
        except ZeroDivisionError as cause:
            raise ExceptionGroup("several", [KeyError("a"), ValueError("b")]) from cause
    except ExceptionGroup as error:
        error.add_note("a note")
        plainview.capture_exception(error, tags={"tier": "gold"}, fingerprint=["{{ default }}", "x"])
    record = msgspec.json.decode(msgspec.json.encode(only(capture)), type=ErrorRecord, strict=True)
    exceptions = msgspec.json.decode(record.exceptions, type=list[RaisedException])
    shape = [(one.type, one.parent, one.relation) for one in exceptions]
    assert shape == [
        ("ExceptionGroup", None, None),
        ("ZeroDivisionError", 0, "cause"),
        ("KeyError", 0, "member"),
        ("ValueError", 0, "member"),
    ]
    assert exceptions[0].notes == ["a note"]
    assert record.fingerprint == ["{{ default }}", "x"]
    context = msgspec.json.decode(record.context)
    assert context["tags"] == {"tier": "gold"}
    assert context["contexts"]["runtime"]["version"] == sys.version.split()[0]
    assert context["contexts"]["thread"]["name"] == threading.current_thread().name


def test_one_exception_is_one_error_however_often_it_is_met(capture):
    error = raised(OSError("gone"))
    for _ in range(3):
        log.error("first", exc_info=error)
        logging.getLogger("std").error("second", exc_info=error)
        assert plainview.capture_exception(error) == only(capture)["error_id"]
    with pytest.raises(OSError, match="gone"), plainview.span("work") as span:
        span.record_exception(error)
        try:
            raise error
        finally:
            plainview.capture_exception()
    record = only(capture)
    assert {line["exception"]["error_id"] for line in capture.logs()} == {record["error_id"]}
    events = capture.spans()[0]["events"]
    assert {event["attributes"]["exception.error_id"] for event in events} == {record["error_id"]}


def test_another_exception_that_is_equal_is_another_error(capture):
    for _ in range(2):
        plainview.capture_exception(raised(ValueError("same")))
    first, second = errors(capture)
    assert first["error_id"] != second["error_id"]


def test_an_exception_keeps_its_error_through_pickle_and_copy(capture):
    error = raised(ValueError("far away"))
    with pytest.raises(ValueError, match="far"), plainview.context(job_id="j"):
        raise error
    error_id = plainview.capture_exception(error)
    for travelled in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert plainview.capture_exception(travelled) == error_id
    only(capture)


def test_a_pickled_exception_needs_no_plainview_where_it_arrives():
    error = raised(ValueError("x"))
    with pytest.raises(ValueError, match="x"), plainview.context(job_id="j"):
        raise error
    assert b"plainview" not in pickle.dumps(error).replace(b"__plainview_context__", b"")


def test_threads_that_meet_the_same_exception_at_once_write_one_error(capture):
    for _ in range(20):
        error = raised(ValueError("shared"))
        gate = threading.Barrier(8)

        def meet(error=error, gate=gate):
            gate.wait()
            plainview.capture_exception(error)

        threads = [threading.Thread(target=meet) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(errors(capture)) == 20


def test_the_context_that_an_exception_has_left_is_the_error_s(capture):
    with plainview.context(job_id="outer"), plainview.span("request") as outside:
        try:
            with plainview.context(job_id="inner", batch_id="b-2", shelf=9), plainview.span("step") as step:
                divide(0)
        except ZeroDivisionError:
            log.exception("failed", attempt=2)
    record = only(capture)
    assert (record["job_id"], record["batch_id"]) == ("inner", "b-2")
    assert (record["trace_id"], record["span_id"]) == (outside.trace_id, step.span_id)
    assert record["extra"]["attempt"] == 2
    line = capture.last()
    assert (line["job_id"], line["span_id"]) == ("outer", outside.span_id)


def test_context_fields_given_to_a_capture_have_their_places(capture):
    plainview.capture_exception(raised(ValueError("x")), user_id="u-1", level="critical", component="mail", size=3)
    record = only(capture)
    assert (record["user_id"], record["level"], record["component"]) == ("u-1", "CRITICAL", "mail")
    assert record["extra"] == {"size": 3}
    assert record["mechanism"] == "manual"


def test_a_message_is_an_error_without_an_exception(capture):
    error_id = plainview.capture_message("quota nearly used up", "warning", tags={"plan": "free"}, share=0.97)
    record = only(capture)
    assert (record["error_id"], record["level"], record["message"]) == (error_id, "WARNING", "quota nearly used up")
    assert "exceptions" not in record
    assert record["extra"] == {"share": 0.97}
    assert record["context"]["tags"] == {"plan": "free"}


def test_nothing_being_handled_is_nothing_to_capture(capture):
    assert plainview.capture_exception() is None
    assert errors(capture) == []


@pytest.mark.parametrize("function", [plainview.capture_exception, plainview.capture_message])
def test_a_level_that_there_is_not_is_refused(capture, function):
    with pytest.raises(ValueError, match="unknown level 'loud'"):
        function(raised(ValueError("x")), level="loud")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_the_end_of_a_program_is_no_error(capture, kind):
    error = raised(kind())
    log.error("ending", exc_info=error)
    assert plainview.capture_exception(error) is None
    assert errors(capture) == []
    assert "error_id" not in capture.last()["exception"]


def test_a_cancelled_task_is_no_error_and_a_group_is_one_if_a_member_is(capture):
    import asyncio

    assert plainview.capture_exception(raised(asyncio.CancelledError())) is None
    assert plainview.capture_exception(raised(BaseExceptionGroup("g", [asyncio.CancelledError()]))) is None
    assert plainview.capture_exception(raised(BaseExceptionGroup("g", [KeyboardInterrupt(), OSError()])))
    only(capture)


def test_less_than_a_warning_makes_no_error_unless_it_is_wanted(capture):
    error = raised(ValueError("x"))
    log.info("by the way", exc_info=error)
    assert errors(capture) == []
    capture.configure(error_level="INFO")
    log.info("by the way", exc_info=error)
    assert only(capture)["level"] == "INFO"


def test_lines_without_an_exception_are_errors_only_where_it_is_wanted(capture):
    log.error("bad luck", n=1)
    logging.getLogger("std").critical("worse luck")
    assert errors(capture) == []
    capture.configure(capture_error_logs=True)
    for _ in range(3):
        log.error("bad luck", n=1)
    log.warning("no luck")
    logging.getLogger("std").critical("worse luck")
    first, *again, second = errors(capture)
    assert [record["message"] for record in again] == ["bad luck"] * 2
    assert (first["message"], first["level"], first["extra"]) == ("bad luck", "ERROR", {"n": 1})
    assert (second["message"], second["logger"], second["level"]) == ("worse luck", "std", "CRITICAL")


def test_capture_can_be_switched_off(capture):
    capture.configure(capture_errors=False)
    assert plainview.capture_exception(raised(ValueError("x"))) is None
    assert plainview.capture_message("x") is None
    log.error("logged", exc_info=raised(ValueError("y")))
    assert errors(capture) == []
    assert capture.last()["exception"]["message"] == "y"
