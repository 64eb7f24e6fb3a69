"""Agents: what works in rounds, with a model as a rule, until it is content with what has come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from plainview.capture.metrics.families import feed
from plainview.capture.operations.chronicle import failing
from plainview.capture.operations.kinds import Kind, kind_of
from plainview.capture.operations.operation import Operation, is_number
from plainview.capture.operations.summary import summary
from plainview.capture.runtime import span
from plainview.context import binding

if TYPE_CHECKING:
    from types import TracebackType

    from plainview.capture.operations.handover import Carried
    from plainview.capture.spans import Span
    from plainview.context import Frame

__all__ = ["Agent", "Iteration", "agent"]

_VIOLATIONS: Final = "agent_schema_violations_total"
#: Fields of an agent that are on everything that happens inside.
_BOUND: Final = ("stage", "project_id")
_LONGEST_SCHEMA: Final = 100


class Iteration:
    """A round of an agent. It is told of as it is made; with ``with`` it is a span as well."""

    __slots__ = ("_number", "_span", "_title")

    def __init__(self, title: str, number: int) -> None:
        self._title: Final = title
        self._number: Final = number
        self._span: Span | None = None

    def __enter__(self) -> Self:
        self._span = span(self._title, iteration=self._number).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._span is not None:
            self._span.__exit__(kind, error, trace)


class Agent(Operation):
    """An agent at work; see `agent`. What every operation can do, and what only agents can.

    Attributes:
        iterations: rounds so far.
    """

    __slots__ = ("iterations",)

    plain: ClassVar[bool] = False

    def __init__(  # noqa: PLR0913 - as of `Life`
        self,
        kind: Kind,
        role: str,
        id: str | None,  # noqa: A002 - the field's name
        fields: dict[str, Any],
        *,
        queued: bool = False,
        stall_after: float | None = None,
    ) -> None:
        super().__init__(kind, role, id, fields, queued=queued, stall_after=stall_after)
        self.iterations = 0

    def _around(self, frame: Frame) -> Frame:
        frame = super()._around(frame)
        known = self._fields or self._inputs  # of one that was handed over only its inputs are known
        given = {name: known[name] for name in _BOUND if known.get(name) is not None}
        return binding(frame, {**frame.bound.fields, "agent_role": self.name, **given})

    def go_on(self, carried: Carried) -> None:
        """Be, once it begins, what was handed over elsewhere."""
        super().go_on(carried)
        rounds = carried.results.get("iterations")
        self.iterations = rounds if type(rounds) is int else 0

    def iteration(self, number: int | None = None) -> Iteration:
        """Say that a round begins: ``agent.iteration()``, or ``with agent.iteration():`` to have a span of it.

        Args:
            number: of the round, from 1; counted when left out.
        """
        self.iterations = int(number) if is_number(number) and number is not None else self.iterations + 1
        if self._telling is not None:
            self._telling.feed("iterations")
        self._results = {**self._results, "iterations": self.iterations}
        self._tell("iteration", {"iteration": self.iterations})
        self._reach({"done": self.iterations, "step": f"iteration {self.iterations}"})
        return Iteration(f"iteration {self.name}", self.iterations)

    def schema_violation(self, schema: str, error: object) -> None:
        """Say that what a model returned is not what was asked for.

        Args:
            schema: name of what was asked for. There should be few of them.
            error: what is wrong: the exception of the library that validates, or text.
        """
        try:
            named = str(summary(schema))[:_LONGEST_SCHEMA]
            found = failing()
            reason = found.reason_of(error)
            count = self._results.get("schema_violations", 0) + 1
            self._results = {**self._results, "schema_violations": count}
            self._tell("schema violated", {"schema": named, "reason": reason, "iteration": self.iterations})
            self._record(
                "warning",
                data={"schema": named, "iteration": self.iterations},
                reason=f"schema {named}: {reason}",
                error_type=found.type_of(error),
            )
            if self._telling is not None:
                feed(_VIOLATIONS).labels(agent_role=self.name, schema=named).inc()
        except Exception as failure:  # noqa: BLE001 - never into the application
            self._failed(failure)

    def outcome(self, outcome: str, /, *, success: bool = True, **fields: Any) -> None:  # noqa: ANN401 - any value may be a result
        """Note what has come out: ``agent.outcome("accepted", score=0.9)``.

        Args:
            outcome: in a word: ``accepted``, ``rejected``, ``gave up``.
            success: whether it is what was wanted; otherwise the agent ends as failed, without any exception.
            fields: whatever else is to be told when it ends.
        """
        self.set(outcome=outcome, success=bool(success), **fields)
        self._wrong = None if success else f"outcome: {summary(outcome)}"


def agent(
    role: str,
    /,
    *,
    stage: str = "",
    project_id: str | None = None,
    stall_after: float | None = None,
    **fields: Any,  # noqa: ANN401 - any value may go in
) -> Agent:
    """An agent at work: ``with plainview.agent("writer", stage="outline", project_id="p-1") as agent:``.

    Agents that are started inside are parts of it: the whole workflow is one trace. ``agent_role``, ``stage`` and
    ``project_id`` are on every record made inside.

    Args:
        role: what it does: ``writer``, ``critic``. There should be few of them.
        stage: of the workflow.
        project_id: that it works for.
        stall_after: seconds without any sign of progress after which it is told of as stalled; None: never.
        fields: what goes into it.
    """
    given = {"stage": stage or None, "project_id": project_id, **fields}
    kept = {name: value for name, value in given.items() if value is not None}
    return Agent(kind_of("agent"), role, None, kept, stall_after=stall_after)
