"""The text of a query becomes an expression."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import promql_parser as parser

from plainview.query.promql.errors import BadQuery
from plainview.query.promql.labels import NAME
from plainview.query.promql.nodes import (
    Aggregate,
    At,
    Binary,
    Call,
    Match,
    Negation,
    Node,
    Number,
    Range,
    Selector,
    Subquery,
    Text,
)
from plainview.query.promql.series import Matcher
from plainview.query.promql.tokens import fault, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.query.promql.series import Comparison

__all__ = ["formatted", "parse", "tree"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

#: What Prometheus 2.42 has and the parser has not; newer Prometheus calls it ``double_exponential_smoothing``.
_MORE: Final = (
    parser.Function(
        "holt_winters",
        [parser.ValueType.Matrix, parser.ValueType.Scalar, parser.ValueType.Scalar],
        parser.ValueType.Vector,
    ),
)
_registering: Final = threading.Lock()
_registered: list[bool] = []

#: The parser's enumerations cannot be keys; their names can.
_OPERATORS: Final[dict[str, Comparison]] = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
_SIDES: Final[dict[str, Literal["left", "right"]]] = {
    "VectorMatchCardinality.ManyToOne": "left",
    "VectorMatchCardinality.OneToMany": "right",
}


def tree(query: str) -> parser.Expr:
    """The parser's own tree of a query.

    Raises:
        BadQuery: it is no PromQL; the message says what is wrong, and where as far as can be told.
    """
    found = words(query)
    with _registering:
        if not _registered:
            parser.register_extra_functions(list(_MORE))
            _registered.append(True)
    try:
        return parser.parse(query)
    except ValueError as error:
        message = str(error)
        place = fault(found, message)
        if message == "invalid promql query":
            message = "unexpected end of input" if place is not None and place >= len(query.rstrip()) else message
            near = next((word.text for word in found if word.place == place), "")
            message = f"unexpected {near!r}" if near else message
        raise BadQuery(message, place) from None


def formatted(query: str) -> str:
    """The query, neatly laid out.

    Raises:
        BadQuery: it is no PromQL.
    """
    return tree(query).prettify()


def parse(query: str) -> Node:
    """The expression that a query is.

    Raises:
        BadQuery: it is no PromQL, or uses what is not supported.
    """
    try:
        return _node(tree(query))
    except RecursionError:
        msg = "the query is nested too deeply"
        raise BadQuery(msg) from None


def _node(given: Any) -> Node:  # noqa: ANN401 - one of the parser's classes
    convert = _CONVERSIONS.get(type(given))
    if convert is None:
        msg = f"{type(given).__name__} is not supported"
        raise BadQuery(msg)
    return convert(given)


def _milliseconds(span: timedelta | None) -> int:
    return 0 if span is None else span // _MILLISECOND


def _at(given: parser.AtModifier | None) -> At:
    if given is None:
        return None
    if given.type == parser.AtModifierType.Start:
        return "start"
    if given.type == parser.AtModifierType.End:
        return "end"
    return 0 if given.at is None else (given.at - _EPOCH) // _MILLISECOND


def _selector(given: parser.VectorSelector) -> Selector:
    if given.matchers.or_matchers:
        msg = "'or' between label matchers is not supported"
        raise BadQuery(msg)
    matchers = [Matcher(one.name, _OPERATORS[str(one.op)], one.value) for one in given.matchers.matchers]
    if given.name is not None:
        matchers.insert(0, Matcher(NAME, "=", given.name))
    return Selector(tuple(matchers), _milliseconds(given.offset), _at(given.at))


def _range(given: parser.MatrixSelector) -> Range:
    return Range(_selector(given.vector_selector), _milliseconds(given.range))


def _subquery(given: parser.SubqueryExpr) -> Subquery:
    step = None if given.step is None else _milliseconds(given.step)
    return Subquery(_node(given.expr), _milliseconds(given.range), step, _milliseconds(given.offset), _at(given.at))


def _binary(given: parser.BinaryExpr) -> Binary:
    modifier = given.modifier
    match, as_bool = Match(), False
    if modifier is not None:
        if modifier.fill_values.lhs is not None or modifier.fill_values.rhs is not None:
            msg = "fill modifiers are not supported"
            raise BadQuery(msg)
        matching = modifier.matching
        match = Match(
            on=matching is not None and matching.type == parser.LabelModifierType.Include,
            labels=frozenset(matching.labels if matching is not None else ()),
            many=_SIDES.get(str(modifier.card)),
            include=tuple(modifier.group_labels or ()),
        )
        as_bool = modifier.return_bool
    return Binary(str(given.op), _node(given.lhs), _node(given.rhs), match, as_bool)


def _aggregate(given: parser.AggregateExpr) -> Aggregate:
    modifier = given.modifier
    parameter = None if given.param is None else _node(given.param)
    by = modifier is None or modifier.type == parser.AggModifierType.By
    labels = frozenset(() if modifier is None else modifier.labels)
    return Aggregate(str(given.op), _node(given.expr), parameter, by, labels)


def _call(given: parser.Call) -> Call:
    scalar = given.func.return_type == parser.ValueType.Scalar
    return Call(given.func.name, tuple(_node(argument) for argument in given.args), scalar)


_CONVERSIONS: Final[dict[type, Callable[[Any], Node]]] = {
    parser.NumberLiteral: lambda given: Number(given.val),
    parser.StringLiteral: lambda given: Text(given.val),
    parser.VectorSelector: _selector,
    parser.MatrixSelector: _range,
    parser.SubqueryExpr: _subquery,
    parser.ParenExpr: lambda given: _node(given.expr),
    parser.UnaryExpr: lambda given: Negation(_node(given.expr)),
    parser.BinaryExpr: _binary,
    parser.AggregateExpr: _aggregate,
    parser.Call: _call,
}
