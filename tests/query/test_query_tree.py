"""The shape of a trace, however torn the trace is."""

from __future__ import annotations

from hypothesis import given, strategies as st

from plainview.query.tree import build, critical_path


def by_id(nodes):
    return {node.span_id: node for node in nodes}


def test_parents_come_before_children_and_these_by_start():
    nodes = build([("c2", "root", 50, 10), ("c1", "root", 10, 10), ("g", "c2", 55, 1), ("root", None, 0, 100)])
    assert [(node.span_id, node.depth) for node in nodes] == [("root", 0), ("c1", 1), ("c2", 1), ("g", 2)]
    assert [child.span_id for child in nodes[0].children] == ["c1", "c2"]


def test_spans_without_their_parent_stand_at_the_top():
    nodes = build([("root", None, 0, 10), ("orphan", "gone", 5, 1), ("child", "orphan", 5, 1)])
    assert [(node.span_id, node.depth) for node in nodes] == [("root", 0), ("orphan", 0), ("child", 1)]


def test_a_cycle_is_cut_at_its_earliest_span():
    nodes = build(
        [("tail", "a", 0, 1), ("a", "c", 20, 1), ("b", "a", 10, 1), ("c", "b", 30, 1), ("self", "self", 5, 1)]
    )
    assert [(node.span_id, node.depth) for node in nodes] == [("self", 0), ("b", 0), ("c", 1), ("a", 2), ("tail", 3)]


def test_two_spans_of_one_id_are_both_there():
    nodes = build([("x", None, 0, 10), ("x", None, 20, 10), ("child", "x", 5, 1)])
    assert [(node.span_id, node.depth) for node in nodes] == [("x", 0), ("child", 1), ("x", 0)]


def test_self_time_is_what_no_child_covers():
    nodes = build(
        [
            ("root", None, 0, 100),
            ("a", "root", 10, 30),
            ("b", "root", 30, 30),
            ("late", "root", 90, 50),
            ("g", "a", 10, 30),
        ]
    )
    assert {node.span_id: node.self_time for node in nodes} == {"root": 40, "a": 0, "b": 30, "late": 50, "g": 30}


def critical(spans):
    nodes = build(spans)
    critical_path(nodes[0])
    return {node.span_id for node in nodes if node.critical}


def test_the_critical_path_is_what_the_end_waited_for():
    fast_and_slow = [
        ("root", None, 0, 100),
        ("fast", "root", 10, 20),
        ("slow", "root", 10, 80),
        ("deep", "slow", 20, 60),
    ]
    assert critical(fast_and_slow) == {"root", "slow", "deep"}
    one_after_another = [
        ("root", None, 0, 100),
        ("a", "root", 0, 40),
        ("b", "root", 40, 50),
        ("beside", "root", 30, 30),
    ]
    assert critical(one_after_another) == {"root", "a", "b"}
    outliving = [("root", None, 0, 100), ("background", "root", 50, 500), ("before", "root", 10, 30)]
    assert critical(outliving) == {"root", "background", "before"}
    elsewhere = [("root", None, 0, 100), ("later", "root", 200, 10), ("nothing", "root", 100, 0)]
    assert critical(elsewhere) == {"root"}


_ID = st.sampled_from("abcdefgh")
_SPAN = st.tuples(_ID, st.none() | _ID | st.just("gone"), st.integers(0, 100), st.integers(-5, 50))


@given(st.lists(_SPAN, min_size=1, max_size=20))
def test_every_span_is_there_once_below_its_parent(spans):
    nodes = build(spans)
    assert sorted(node.index for node in nodes) == list(range(len(spans)))
    place = {node.index: number for number, node in enumerate(nodes)}
    for node in nodes:
        assert 0 <= node.self_time <= node.end - node.start
        for child in node.children:
            assert child.parent_span_id == node.span_id
            assert child.depth == node.depth + 1
            assert place[child.index] > place[node.index]
    # Each node but those at the top is the child of exactly one.
    children = [child.index for node in nodes for child in node.children]
    assert sorted(children) == sorted(node.index for node in nodes if node.depth)
    critical_path(nodes[0])
    marked = [node for node in nodes if node.critical]
    assert nodes[0] in marked
    assert all(node is nodes[0] or any(node in other.children for other in marked) for node in marked)


def test_a_deep_trace_and_a_wide_one_do_not_overflow():
    deep = build([(str(n), str(n - 1) if n else None, n, 20_000 - n) for n in range(10_000)])
    assert deep[-1].depth == 9999
    critical_path(deep[0])
    assert all(node.critical for node in deep)
    cycle = build([(str(n), str((n + 1) % 10_000), n, 1) for n in range(10_000)])
    assert len(cycle) == 10_000
    wide = build([("root", None, 0, 10_000), *((str(n), "root", n, 1) for n in range(9_999))])
    critical_path(wide[0])
    assert wide[0].self_time == 1
    assert all(node.critical for node in wide)
