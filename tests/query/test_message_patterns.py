"""Messages that differ only in their variable parts share one pattern."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plainview.grouping.messages import MAX_LENGTH, normalise


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("request completed", "request completed"),
        ("book 123 created by user-977", "book <num> created by user-<num>"),
        ("took 12.5ms, 1,234,567 rows", "took <num>ms, <num> rows"),
        ("-5 and +3.2e5", "<num> and <num>"),
        ('user \'bob o\' said "hi \\" there"', "user <str> said <str>"),
        ("don't do that, it's bad", "don't do that, it's bad"),
        ("id 3f2a9c1d-aaaa-bbbb-cccc-1234567890ab gone", "id <uuid> gone"),
        ("at 2026-11-22T01:47:55.123Z and 01:47:55", "at <time> and <time>"),
        ("commit deadbeef1234 at 0xff", "commit <hex> at <hex>"),
        ("from 10.0.0.1:8080 by a.b+c@example.com", "from <ip> by <email>"),
        ("utf-8 sha256 http2 s3 v2 base64", "utf-8 sha256 http2 s3 v2 base64"),
        ("  several\n\t lines  here ", "several lines here"),
        ("\x1b[1;31mred\x1b[0m 5", "red <num>"),
        ("facade defaced", "facade defaced"),
        ("", ""),
    ],
)
def test_variable_parts_give_way(message, pattern):
    assert normalise(message) == pattern


@given(st.integers(0), st.integers(0), st.uuids(), st.uuids())
def test_numbers_and_ids_do_not_matter(one, other, first, second):
    assert normalise(f"job {one} of {first} failed") == normalise(f"job {other} of {second} failed")


@given(st.text(max_size=3000))
def test_any_text_has_a_pattern_of_bounded_length(text):
    # A placeholder is at most six characters longer than what it stands for.
    assert len(normalise(text)) <= MAX_LENGTH * 7
