"""The query language: its grammar, and that any text is either understood or refused with a place."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plainview.query.errors import BadInput
from plainview.query.language import MAX_LENGTH, MAX_TERMS, Term, Value, parse, quote


def shape(query):
    return [
        (term.negated, term.field, [(value.operator, value.text, value.quoted) for value in term.values])
        for term in parse(query)
    ]


def test_words_and_phrases_are_looked_for():
    assert shape('timeout "connection reset"') == [
        (False, None, [("", "timeout", False)]),
        (False, None, [("", "connection reset", True)]),
    ]


def test_a_field_has_one_value_or_several():
    assert shape('service:api,worker title:"a, b",c') == [
        (False, "service", [("", "api", False), ("", "worker", False)]),
        (False, "title", [("", "a, b", True), ("", "c", False)]),
    ]


@pytest.mark.parametrize("operator", [">", ">=", "<", "<=", "="])
def test_a_value_may_be_compared(operator):
    assert shape(f"duration:{operator}500") == [(False, "duration", [(operator, "500", False)])]


def test_a_leading_minus_negates_any_term():
    assert [term.negated for term in parse('-noise -"health check" -logger:x y-z - a')] == [
        *(True, True, True, False, False, False)
    ]


def test_escapes_hold_inside_quotes_only():
    assert shape(r'"say \"hi\" \\ \n" back\slash') == [
        (False, None, [("", r'say "hi" \ \n', True)]),
        (False, None, [("", r"back\slash", False)]),
    ]


@pytest.mark.parametrize("word", ["http://a.b/c?d=e", "12:30:45", "a/b:c", "::1", ":", "-", "https://x:80/"])
def test_what_is_no_field_stays_a_word(word):
    assert shape(word) == [(False, None, [("", word, False)])]


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ('ok "never closed', 3),
        ('service:"never', 8),
        ("ok level:", 9),
        ("level: error", 6),
        ("service:a,", 10),
        ("service:a,,b", 10),
        ('service:a"b"', 9),
        ('service:"a"b', 11),
        ("a\0b", 1),
        ("a \ud800", 2),
        ("duration:>", 10),
    ],
)
def test_what_is_not_understood_is_told_with_its_place(query, position):
    with pytest.raises(BadInput) as caught:
        parse(query)
    assert (caught.value.field, caught.value.position) == ("q", position)


def test_length_and_number_are_bounded():
    for query in ("x" * (MAX_LENGTH + 1), "x " * (MAX_TERMS + 1), "f:" + ",".join("x" * (MAX_TERMS + 1))):
        with pytest.raises(BadInput):
            parse(query)


@given(st.text())
def test_any_text_is_understood_or_refused_inside_it(query):
    place = 0
    try:
        assert all(term.values for term in parse(query))
    except BadInput as error:
        place = error.position
    assert 0 <= place <= len(query)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50))
def test_a_quoted_value_means_itself(value):
    assert parse(f"field:{quote(value)}") == (Term("field", (Value(value, "", quote(value) != value, 6),)),)


_TEXT = st.text(st.characters(categories=["L", "N"]), max_size=8)
_TERM = st.tuples(
    st.booleans(),
    st.none() | st.from_regex(r"[a-z_][a-z_.]{0,6}[a-z]", fullmatch=True),
    st.lists(st.tuples(st.sampled_from(["", "=", ">", ">=", "<", "<="]), _TEXT), min_size=1),
)


@given(st.lists(_TERM, max_size=8))
def test_what_is_written_is_read(terms):
    query, expected = [], []
    for negated, field, values in terms:
        kept = values if field else [("", values[0][1])]
        written = ",".join(f'{operator}"{text}"' for operator, text in kept)
        query.append(f"{'-' * negated}{field + ':' if field else ''}{written}")
        expected.append((negated, field, [(operator, text, True) for operator, text in kept]))
    assert shape("  ".join(query)) == expected
