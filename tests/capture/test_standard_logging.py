"""The standard `logging` module, both ways."""

from __future__ import annotations

import logging
import logging.config
import warnings

import plainview


def test_records_of_any_logger_are_captured_with_their_extra(capture):
    logging.getLogger("lib.part").warning("took %s s", 3, extra={"table": "books", "job_id": "j-1"})
    line = capture.last()
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "lib.part", "took 3 s")
    assert line["extra"] == {"table": "books"}
    assert line["job_id"] == "j-1"
    assert line["source"]["function"] == "test_records_of_any_logger_are_captured_with_their_extra"


def test_loggers_that_do_not_propagate_or_have_other_handlers_are_captured(capture):
    logger = logging.getLogger("alone")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    logger.info("x")
    assert capture.last()["logger"] == "alone"


def test_a_dict_config_of_the_application_does_not_end_capture(capture):
    early = logging.getLogger("early.one")
    logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO", "handlers": []}}
    )
    early.info("still here")
    assert capture.last()["message"] == "still here"


def test_a_record_is_captured_once_however_many_handlers_there_are(capture):
    logger = logging.getLogger("many")
    for _ in range(3):
        logger.addHandler(logging.NullHandler())
    logger.error("x")
    assert len(capture.logs()) == 1


def test_exceptions_and_stack_info(capture):
    try:
        1 / 0  # noqa: B018 - it has to fail
    except ZeroDivisionError:
        logging.getLogger("a").exception("failed")
    assert capture.last()["exception"]["type"] == "ZeroDivisionError"
    logging.getLogger("a").info("where", stack_info=True)
    assert "test_standard_logging" in capture.last()["extra"]["stack_info"]


def test_arguments_that_do_not_fit_are_said_not_raised(capture, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logging.getLogger("a").warning("%d items", "many")
    assert capture.last()["message"] == "%d items [arguments do not fit: TypeError]"


def test_noisy_libraries_are_quieted_unless_asked_otherwise(capture):
    logging.getLogger("urllib3.connectionpool").info("no")
    logging.getLogger("urllib3.connectionpool").warning("yes")
    assert [line["message"] for line in capture.logs()] == ["yes"]
    capture.configure(levels={"urllib3": "INFO"})
    logging.getLogger("urllib3.connectionpool").info("asked for")
    assert capture.last()["message"] == "asked for"


def test_warnings_are_captured(capture):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        plainview.shutdown()
        capture.configure()
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    line = capture.last()
    assert line["logger"] == "py.warnings"
    assert "DeprecationWarning: old" in line["message"]


def test_native_records_reach_standard_handlers_when_forwarded_and_are_captured_once(capture, caplog):
    capture.configure(forward_logging=True)
    plainview.get_logger("native").warning("hello", size=3)
    assert [(record.name, record.getMessage(), record.size) for record in caplog.records] == [("native", "hello", 3)]
    assert len(capture.logs()) == 1


def test_shutdown_puts_logging_back(capture):
    plainview.shutdown()
    root = logging.getLogger()
    level, call = root.level, logging.Logger.callHandlers
    capture.configure(level="DEBUG", levels={"x.y": "ERROR"})
    assert root.level == logging.DEBUG
    plainview.shutdown()
    assert (root.level, logging.Logger.callHandlers) == (level, call)
    assert logging.getLogger("x.y").level == logging.NOTSET
    logging.getLogger("a").critical("not captured")
    assert capture.logs() == []


def test_levels_above_and_between_the_names_are_mapped_down(capture):
    logging.getLogger("a").log(25, "notice")
    logging.getLogger("a").log(60, "beyond")
    assert [line["level"] for line in capture.logs()] == ["INFO", "CRITICAL"]
