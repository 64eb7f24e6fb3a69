"""Sampling, rate limits, low-resource mode, levels from outside: what is dropped is counted."""

from __future__ import annotations

import json
import logging
import time

import pytest

import plainview
from plainview.capture import runtime
from plainview.settings import SettingsError


def counters():
    return runtime.runtime().recorder.spool.counters


def test_a_share_per_level_and_per_logger_is_kept_and_the_rest_counted(capture):
    capture.configure(level="DEBUG", sample={"DEBUG": 0.5, "chatty": 0.0})
    log = plainview.get_logger("a")
    for _ in range(1000):
        log.debug("x")
        plainview.get_logger("chatty.child").info("y")
        logging.getLogger("chatty.other").info("z")
        log.info("all of these")
    lines = capture.logs()
    kept = sum(line["level"] == "DEBUG" for line in lines)
    assert 350 < kept < 650
    assert sum(line["message"] == "all of these" for line in lines) == 1000
    assert counters().sampled == 3000 - kept


def test_a_rate_limit_holds_per_logger_and_message(capture):
    capture.configure(rate_limit=5)
    log = plainview.get_logger("a")
    for n in range(200):
        log.info("again and again", n=n)
        logging.getLogger("b").info("item %s", n)
    log.info("something else")
    lines = capture.logs()
    assert 5 <= sum(line["message"] == "again and again" for line in lines) <= 20
    assert 5 <= sum(line["logger"] == "b" for line in lines) <= 20, "the template counts, not the text"
    assert lines[-1]["message"] == "something else"
    assert counters().rate_limited == 401 - len(lines)


def test_low_resource_mode_turns_the_heavy_parts_off(capture):
    capture.configure(low_resource=True, level="DEBUG")
    log = plainview.get_logger("a")
    log.debug("no")
    log.info("yes")
    (line,) = capture.logs()
    assert "source" not in line
    for _ in range(200):
        with plainview.span("s"):
            pass
    assert len(capture.spans()) < 80


def test_levels_written_to_the_data_directory_are_taken_over_by_running_programs(capture):
    log = plainview.get_logger("shop.cart")
    log.info("starts the keeper")
    (capture.directory / "levels.json").write_text(json.dumps({"shop": "DEBUG", "": "ERROR"}))
    deadline = time.monotonic() + 10
    while not log.is_enabled_for("DEBUG"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not plainview.get_logger("other").is_enabled_for("WARNING")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"level": "LOUD"}, "unknown level 'LOUD'"),
        ({"levels": {"a": "LOUD"}}, "unknown level 'LOUD'"),
        ({"sample": {"INFO": 2}}, "PLAINVIEW_SAMPLE"),
        ({"console": "loud"}, "PLAINVIEW_CONSOLE='loud'"),
        ({"port": 70000}, "PLAINVIEW_PORT=70000"),
        ({"no_such": 1}, "unknown setting 'no_such'"),
        ({"trace_sample": 1.5}, "PLAINVIEW_TRACE_SAMPLE=1.5"),
    ],
)
def test_a_setting_that_does_not_fit_is_named_and_nothing_changes(capture, given, names):
    with pytest.raises(SettingsError, match=names):
        plainview.configure(**given)
    plainview.get_logger("a").info("still works")
    assert capture.last()["message"] == "still works"


def test_settings_come_from_the_environment_the_profile_and_the_code(monkeypatch):
    from plainview.settings import load

    environ = {"PLAINVIEW_ENVIRONMENT": "testing", "PLAINVIEW_LEVELS": "a=DEBUG, b.c=WARN", "PLAINVIEW_CONSOLE": "off"}
    settings = load(environ, service="s")
    assert (settings.environment, settings.console, settings.level) == ("testing", "off", "INFO")
    assert settings.levels == {"a": "DEBUG", "b.c": "WARN"}
    assert load({}, environment="development").console == "pretty"
    assert load({}, environment="production").file == "{dir}/logs/{service}.log"
    assert load({"PLAINVIEW_SCRUB_KEYS": "a, b"}).scrub_keys == ("a", "b")
    with pytest.raises(SettingsError, match="PLAINVIEW_LEVELS='x'.*name=value"):
        load({"PLAINVIEW_LEVELS": "x"})
