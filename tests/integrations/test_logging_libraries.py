"""structlog and loguru: each event is recorded once, with all its fields, whatever else is done with it."""

from __future__ import annotations

import io
import json
import logging

import loguru
import pytest
import structlog

import plainview
from plainview.integrations import instrument, loguru as our_loguru, structlog as our_structlog


@pytest.fixture
def instrumented():
    instrument("structlog")
    instrument("loguru")
    yield
    structlog.reset_defaults()
    loguru.logger.remove()


@pytest.fixture
def printed():
    return io.StringIO()


def test_a_structlog_event_is_recorded_with_its_fields(spool, instrumented, printed):
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(printed),
    )
    with plainview.context(job_id="j1"), structlog.contextvars.bound_contextvars(tier="gold"):
        structlog.get_logger().bind(step=3).warning("slow", seconds=1.5)
    (line,) = spool.logs()
    assert (line["level"], line["message"], line["job_id"], line["logger"]) == ("WARNING", "slow", "j1", __name__)
    assert line["extra"] == {"step": 3, "tier": "gold", "seconds": 1.5}
    assert line["source"]["function"].endswith("test_a_structlog_event_is_recorded_with_its_fields")
    assert json.loads(printed.getvalue()) == {"step": 3, "tier": "gold", "seconds": 1.5, "event": "slow"}


def test_structlogs_defaults_are_recorded_and_print_what_they_did(spool, instrumented, capsys):
    structlog.get_logger().info("hello", a=1)
    assert spool.logs()[0]["extra"] == {"a": 1}
    assert "hello" in capsys.readouterr().out


def test_a_structlog_exception_has_its_stack(spool, instrumented, printed):
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.PrintLoggerFactory(printed),
    )
    try:
        raise LookupError("broken")
    except LookupError:
        structlog.get_logger().exception("failed")
    (line,) = spool.logs()
    assert line["level"] == "ERROR"
    assert "LookupError: broken" in str(line)


@pytest.mark.parametrize(
    "final",
    [
        structlog.processors.JSONRenderer(),
        structlog.stdlib.render_to_log_kwargs,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
)
def test_structlog_on_standard_logging_is_recorded_once_with_its_fields(spool, instrumented, printed, final):
    handler = logging.StreamHandler(printed)
    logging.getLogger("on.logging").addHandler(handler)
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, final],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    structlog.get_logger("on.logging").info("hello", a=1)
    logging.getLogger("on.logging").removeHandler(handler)
    (line,) = spool.logs("on.logging")
    assert (line["message"], line["extra"]) == ("hello", {"a": 1})
    assert "hello" in printed.getvalue()


def test_the_processor_by_hand(spool, printed):
    structlog.configure(
        processors=[our_structlog.processor, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(printed),
    )
    structlog.get_logger().bind(logger="mine").error("hello", a=1)
    structlog.reset_defaults()
    (line,) = spool.logs("mine")
    assert (line["level"], line["extra"]) == ("ERROR", {"a": 1})


def test_a_structlog_event_below_the_level_is_not_recorded_but_printed(spool, instrumented, printed):
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory(printed)
    )
    structlog.get_logger().debug("detail")
    assert spool.logs() == []
    assert "detail" in printed.getvalue()


def test_a_loguru_message_is_recorded_with_its_fields(spool, instrumented):
    with plainview.context(job_id="j1"):
        loguru.logger.bind(step=3).warning("slow {}", "disk", seconds=1.5)
    (line,) = spool.logs()
    assert (line["level"], line["message"], line["job_id"], line["logger"]) == ("WARNING", "slow disk", "j1", __name__)
    assert line["extra"] == {"step": 3, "seconds": 1.5}
    assert line["source"]["function"] == "test_a_loguru_message_is_recorded_with_its_fields"


def test_a_loguru_exception_has_its_stack(spool, instrumented):
    try:
        raise LookupError("broken")
    except LookupError:
        loguru.logger.exception("failed")
    (line,) = spool.logs()
    assert (line["level"], line["exception"]["type"]) == ("ERROR", "LookupError")


@pytest.mark.parametrize(("method", "level"), [("success", "INFO"), ("critical", "CRITICAL")])
def test_logurus_levels(spool, instrumented, method, level):
    getattr(loguru.logger, method)("x")
    assert spool.logs()[0]["level"] == level


def test_it_survives_that_the_application_sets_up_loguru_anew(spool, instrumented, printed):
    loguru.logger.remove()
    loguru.logger.add(printed, format="{message}")
    loguru.logger.info("one")
    loguru.logger.configure(handlers=[{"sink": printed, "format": "{message}"}])
    loguru.logger.info("two")
    assert [line["message"] for line in spool.logs()] == ["one", "two"]
    assert printed.getvalue() == "one\ntwo\n"


def test_standard_logging_handed_on_to_loguru_is_recorded_once(spool, instrumented, printed):
    class Intercept(logging.Handler):
        def emit(self, record):
            loguru.logger.opt(depth=6).log(record.levelname, record.getMessage())

    loguru.logger.remove()
    loguru.logger.add(printed)
    handler = Intercept()
    logging.getLogger("handed.on").addHandler(handler)
    logging.getLogger("handed.on").warning("once")
    logging.getLogger("handed.on").removeHandler(handler)
    assert [line["message"] for line in spool.logs()] == ["once"]
    assert "once" in printed.getvalue()


def test_the_sink_by_hand(spool):
    number = loguru.logger.add(our_loguru.sink, level=0, format="")
    loguru.logger.info("hello")
    loguru.logger.remove(number)
    assert spool.logs()[0]["message"] == "hello"
