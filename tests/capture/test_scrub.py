"""Secrets and personal data are hidden before anything leaves the process."""

from __future__ import annotations

import logging

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

import plainview
from plainview.capture.scrub import MARKER, Scrubber
from plainview.settings import SettingsError, load

SECRET = "Zx81kQ-very_secret.77"


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "passwd",
        "PASSWORD",
        "userPassword",
        "user_password",
        "token",
        "access_token",
        "accessToken",
        "X-Auth-Token",
        "Authorization",
        "authorization",
        "cookie",
        "Set-Cookie",
        "api_key",
        "apiKey",
        "API-KEY",
        "x-api-key",
        "secret",
        "client_secret",
        "AWS_SECRET_ACCESS_KEY",
        "private_key",
        "ssn",
        "credit_card",
        "card_number",
        "cardNumber",
        "cvv",
        "credentials",
        "jwt",
    ],
)
def test_keys_that_are_hidden(key):
    assert Scrubber(load(environment="testing")).hides(key)


@pytest.mark.parametrize(
    "key",
    [
        "user_id",
        "tokens",
        "input_tokens",
        "token_count",
        "max_tokens",
        "author",
        "authored_by",
        "discard",
        "scorecard_total",
        "key",
        "keyboard",
        "session_id",
        "passenger",
        "secretary",
        "path",
        "message",
        "status",
        "card_type",
    ],
)
def test_keys_that_are_not(key):
    assert not Scrubber(load(environment="testing")).hides(key)


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {SECRET}", SECRET),
        (f"sent header 'bearer {SECRET}'", SECRET),
        (f"basic {SECRET}==", SECRET),
        (f"postgresql://admin:{SECRET}@db.internal:5432/app", SECRET),
        (f"redis://:{SECRET}@localhost", SECRET),
        (f"password={SECRET}", SECRET),
        (f'{{"api_key": "{SECRET}"}}', SECRET),
        (f"db_password: {SECRET}, retrying", SECRET),
        (f"got {JWT}", JWT[-20:]),
        ("key AKIA" + "ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOP"),
        ("ghp" + "_abcdefghijklmnopqrstuvwxyz0123456789", "0123456789"),
        ("sk" + "-proj-abcdefghijklmnop", "abcdefghijklmnop"),
        ("paid with 4111 1111 1111 1111", "1111 1111"),
        ("5500-0000-0000-0004", "0000-0004"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ],
)
def test_patterns_in_text_are_hidden_wherever_the_text_stands(capture, text, secret):
    log = plainview.get_logger("a")
    log.info(text)
    log.info("x", note=text)
    log.info("x", nested={"deep": [text]})
    with plainview.context(note=text, job_id=text):
        log.info("x")
    with pytest.raises(ValueError, match="."), plainview.span(text, note=text):
        raise ValueError(text)
    try:
        raise RuntimeError(text)
    except RuntimeError:
        log.exception("x")
    logging.getLogger("std").info("got %s", text)
    spool = b"".join(path.read_bytes() for path in (capture.directory / "spool").glob("*/*.ndjson")).decode()
    assert spool.count(MARKER) >= 9
    assert secret not in spool


@pytest.mark.parametrize(
    "text",
    [
        "1763772475123",
        "order 1234567890123456 shipped",
        "took 12.5 ms at 2026-11-22 10:00:00",
        "https://example.org/a?b=c",
        "the bearer of bad news",
        "tokens: 1200 in, 300 out",
        "4111 1111 1111 1112 is no card",
        "job 0b54adef-39a5-4b43-8d5d-9d5f4bd64ac1 done",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert Scrubber(load(environment="testing")).text(text) == text


def test_card_numbers_as_integers(capture):
    plainview.get_logger("a").info("x", number=4111111111111111, time=1763772475123456789)
    assert capture.last()["extra"] == {"number": MARKER, "time": 1763772475123456789}


def test_rules_of_the_user(capture):
    capture.configure(
        scrub_keys=("internal_note",), scrub_keep=("token",), scrub_patterns=(r"EMP-\d+",), scrub_emails=True
    )
    plainview.get_logger("a").info("EMP-12 is a@b.org", internalNote="x", token="visible", note="EMP-7")
    line = capture.last()
    assert line["message"] == f"{MARKER} is {MARKER}"
    assert line["extra"] == {"internalNote": MARKER, "token": "visible", "note": MARKER}


def test_a_rule_that_is_no_regular_expression_is_said_at_once():
    with pytest.raises(SettingsError, match="SCRUB_PATTERNS.*no regular expression"):
        plainview.configure(scrub_patterns=("(",))


def test_scrubbing_can_be_turned_off(capture):
    capture.configure(scrub=False)
    plainview.get_logger("a").info("password=x1y2z3", password="p")
    assert capture.last()["extra"] == {"password": "p"}


def test_a_token_in_a_setting_is_never_in_its_error():
    with pytest.raises(SettingsError) as caught:
        plainview.configure(token=["not", SECRET])
    assert SECRET not in str(caught.value)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=2000))
def test_no_text_makes_the_scrubber_raise_and_what_it_returns_is_stable(text):
    scrubber = Scrubber(load(environment="testing"))
    once = scrubber.text(text)
    assert scrubber.text(once) == once
