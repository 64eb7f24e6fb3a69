"""The table of sinks and what every sink has in common."""

from __future__ import annotations

import pytest

from plainview import settings
from plainview.sinks import SINKS, Sink, chosen

EVERYTHING = {
    "console": "pretty",
    "file": "{dir}/logs/{service}.log",
    "otlp_endpoint": "http://localhost:4318",
    "loki_url": "http://localhost:3100",
    "webhook_url": "http://localhost:9/hook",
    "sentry_dsn": "http://key@localhost:9/1",
}


def test_each_setting_of_the_table_brings_its_sink(tmp_path):
    sinks = chosen(settings.load({}, dir=str(tmp_path), service="studio", **EVERYTHING))
    assert [sink.name for sink in sinks] == ["console", "file", "otlp", "loki", "webhook", "sentry"]
    assert all(isinstance(sink, Sink) for sink in sinks)
    assert {kind for sink in sinks for kind in sink.kinds} == {"log", "span", "error"}
    assert set(SINKS) == set(EVERYTHING)


def test_nothing_asked_for_is_nothing_made():
    assert chosen(settings.load({}, console="off", file="")) == []


@pytest.mark.parametrize("setting", ["otlp_endpoint", "loki_url", "webhook_url"])
@pytest.mark.parametrize("url", ["localhost:4318", "ftp://x/", "http://", "file:///etc/passwd"])
def test_a_url_that_is_not_http_is_refused_at_once(setting, url):
    with pytest.raises(ValueError, match="not an http or https URL"):
        chosen(settings.load({}, console="off", **{setting: url}))


def test_the_refusal_does_not_repeat_a_password():
    with pytest.raises(ValueError, match="not an http") as caught:
        chosen(settings.load({}, console="off", loki_url="ftp://me:hunter2@loki"))
    assert "hunter2" not in str(caught.value)
