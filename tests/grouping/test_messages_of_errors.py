"""What stays of an exception's message when it happens again."""

from __future__ import annotations

import re
import re._parser as regex  # the standard library's own reader of patterns

import pytest
from hypothesis import example, given, settings, strategies as st

from plainview.grouping import phrasing, values
from plainview.grouping.values import MAX_LENGTH, normalise

KINDS = st.sampled_from(["", "ValueError", "KeyError", "AttributeError", "jinja2.exceptions.TemplateNotFound", "x.Y"])
#: Text that is likely to be taken for something.
PIECES = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(list("'\"`<>{}[]()/\\:.,;@=-_%?|+ \n\t")),
        st.sampled_from(
            [
                "<num>",
                "<str>",
                "0x1f",
                "deadbeef1",
                "2026-11-25",
                "12:30:01",
                "Nov 5",
                "10.0.0.1",
                "::1",
                "::ffff:10.0.0.1",
                "a@b.de",
                "s3",
            ]
        ),
        st.sampled_from(
            ["http://x.y:80/z?q", "/a/b", "C:\\x\\y", "status", "code", " 503", "'a b'", "12ms", "field 'x'"]
        ),
        st.integers().map(str),
        st.uuids().map(str),
    ),
    max_size=12,
).map("".join)


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=1500), PIECES), KINDS)
@example("'0'", "KeyError")
@example("1 validation error for A\n\n", "ValueError")
def test_what_stays_of_what_stays_is_itself(text, kind):
    once = normalise(text, kind)
    assert normalise(once, kind) == once


@given(st.text(max_size=3000), KINDS)
def test_any_text_gives_a_text_of_bounded_length(text, kind):
    assert len(normalise(text, kind)) <= MAX_LENGTH * 2


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1:80",
        "::1",
        "[2001:db8::7]:443",
        "fe80::1%eth0",
        "::ffff:10.0.0.1",
        "[::ffff:10.0.0.1]:5432",
        "64:ff9b::10.0.0.1",
    ],
)
def test_an_address_is_one_part_in_each_way_to_write_it(address):
    assert normalise(f"refused by {address} again", "OSError") == "refused by <ip> again"


#: A number, an id, an address and a time: each of the moment.
MOMENT = st.tuples(st.integers(0), st.uuids(), st.ip_addresses(), st.datetimes().map(lambda time: time.isoformat()))


@given(MOMENT, MOMENT)
def test_what_is_of_the_moment_does_not_matter(one, other):
    said = "job {} of {} on {} at {} failed"
    assert normalise(said.format(*one), "RuntimeError") == normalise(said.format(*other), "RuntimeError")


@pytest.mark.parametrize("kind", ["KeyError", "AttributeError", "NameError", "ImportError", "TypeError"])
@given(st.from_regex(r"[a-z][a-z_]{2,20}", fullmatch=True), st.from_regex(r"[a-z][a-z_]{2,20}", fullmatch=True))
def test_names_tell_errors_apart(kind, one, other):
    hexadecimal = re.compile(r"[a-f0-9-]{7,}")
    if not hexadecimal.fullmatch(one) and not hexadecimal.fullmatch(other):
        assert (normalise(repr(one), kind) == normalise(repr(other), kind)) == (one == other)


def repeats(pattern):
    """The repetitions of a pattern that are open above, each with what it repeats."""
    for operation, argument in pattern:
        if operation in {regex.MAX_REPEAT, regex.MIN_REPEAT}:
            _, most, body = argument
            if most == regex.MAXREPEAT:
                yield body
            yield from repeats(body)
        elif operation is regex.SUBPATTERN:
            yield from repeats(argument[-1])
        elif operation is regex.BRANCH:
            for branch in argument[1]:
                yield from repeats(branch)
        elif operation in {regex.ASSERT, regex.ASSERT_NOT}:
            yield from repeats(argument[1])


#: Repetitions within repetitions that are sound, as what is inside begins with a character that the rest cannot match.
SOUND = {"plain", "path", "num", "kept", "token", "email", "duration"}


@pytest.mark.parametrize("name", values.PARTS)
def test_no_repetition_repeats_an_open_one_unless_it_is_known_to_be_sound(name):
    for body in repeats(regex.parse(values.PARTS[name])):
        assert not list(repeats(body)) or name in SOUND


@pytest.mark.parametrize(("needle", "pattern", "by"), phrasing.SAME, ids=[needle for needle, _, _ in phrasing.SAME])
def test_phrases_repeat_nothing_openly_twice(needle, pattern, by):
    assert not [body for body in repeats(regex.parse(pattern.pattern)) if list(repeats(body))]


@pytest.mark.parametrize(
    "hostile",
    [
        *"'\\{}<>([:/.,;=@|+-?%_`“«\x1b\n", "'a", "'\\", "1.", "1,1", "a.", "/a", "a/", "::", "1:", "{'", "x@x.",
        "<num>", "a_", "aA1",
        "eyJ", "P1Y", "Jan 1 ", "(a, ", "http://", "C:\\a ", "=(", "\x1b[", "1 validation error for a\n", "?,",
        "{'a':", "<dict> ",
    ],
)  # fmt: skip
def test_only_the_beginning_of_hostile_text_is_looked_at(hostile):
    """However long it is: what follows the bound changes nothing, so that the steps are bounded as well."""
    long = hostile * (MAX_LENGTH // len(hostile) + 1)
    assert normalise(long) == normalise(long + hostile * 100_000)


def test_a_second_look_costs_nothing():
    values.known.cache_clear()
    for _ in range(3):
        normalise("order 5 has no address", "ValueError")
    assert values.known.cache_info().misses == 1
