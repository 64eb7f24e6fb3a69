"""How well errors are grouped: over pairs that are written down, and over errors that are raised for real."""

from __future__ import annotations

import pytest
from corpus_pairs import score, written
from raised_pairs import PROGRAMS, raised

#: What is reached; less is a step back.
PRECISION, RECALL = 0.99, 0.99
#: Pairs that nothing tells rightly: each stands for a limit that the documentation names.
BEYOND = {
    "names of people; nothing in them says so",
    "names of towns; nothing in them says so",
    "raise ValidationError('another') instead of validate_slug(text)",
}


@pytest.fixture(scope="module")
def pairs():
    return [*written(), *(pair for name in PROGRAMS for pair in raised(name))]


def test_there_are_enough_pairs_of_either_kind_each_with_its_reason(pairs):
    assert len(pairs) >= 400
    assert min(sum(pair.same for pair in pairs), sum(not pair.same for pair in pairs)) >= 140
    assert all(pair.why for pair in pairs)


def test_precision_and_recall_do_not_fall(pairs):
    reached = score(pairs)
    assert {pair.why for pair in reached.wrong} <= BEYOND, [(pair.name, pair.why) for pair in reached.wrong]
    assert reached.precision >= PRECISION
    assert reached.recall >= RECALL


@pytest.mark.parametrize("pair", written(), ids=lambda pair: pair.name)
def test_pairs_are_told_rightly(pair):
    if pair.why not in BEYOND:
        assert pair.judged() == pair.same, pair.why
