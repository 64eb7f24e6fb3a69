"""Kinds of operation, declared: how their events are told, the context field they set, the metrics they feed.

A kind that nobody declared tells its events as `_EVERY` has them, and has no metrics.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from plainview.capture.operations.summary import summary

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "Feeds", "Kind", "Told", "kind_of", "known"]

_DEBUG, _INFO, _WARNING, _ERROR = 10, 20, 30, 40


class Told(NamedTuple):
    """How an event is told: the level of its line, and the words that the operation's name follows."""

    level: int
    words: str


class Feeds(NamedTuple):
    """The metrics of a kind, by name; empty: there is none.

    Those of a kind with a `label` have it; `ended` and `items` also have ``status``. Those of a stage have its job's
    label too.
    """

    created: str = ""
    ended: str = ""
    running: str = ""
    duration: str = ""
    retries: str = ""
    items: str = ""
    iterations: str = ""


class Kind(msgspec.Struct, frozen=True):
    """A kind of operation.

    Args:
        name: of the kind.
        told: event → how it is told, where that is not as `_EVERY` has it. A kind that is ``created`` tells that when
            it begins, unless it waited in a queue since: then it is ``started``.
        key: context field that holds the operation's id while it is open; empty: it has none.
        label: label of its metrics that holds the operation's name; empty: they have none.
        feeds: its metrics.
        field: name of the field of its lines that holds the operation's name.
        stack: whether a failure is told with its stack trace.
        within: kind of operation that it is a part of, whose label its metrics have as well.
        long: whether its record has a line when it begins; otherwise only when it has an id.
    """

    name: str
    told: Mapping[str, Told] = MappingProxyType({})
    key: str = ""
    label: str = ""
    feeds: Feeds = Feeds()
    field: str = ""
    stack: bool = False
    within: str = ""
    long: bool = False
    #: How its operations are told, by name; where they are parts of others by both names. See `telling.telling`.
    tellings: dict[Any, Any] = msgspec.field(default_factory=dict)

    def event(self, event: str) -> Told:
        """How an event of this kind is told."""
        return self.told.get(event) or Told(_EVERY[event].level, f"{self.name} {_EVERY[event].words}")


#: Event → how it is told of kinds that say nothing else.
_EVERY: Final = {
    "started": Told(_DEBUG, "started"),
    "progress": Told(_DEBUG, "progress"),
    "checkpoint": Told(_DEBUG, "checkpoint saved"),
    "locked": Told(_INFO, "locked"),
    "item started": Told(_DEBUG, "item started"),
    "item completed": Told(_DEBUG, "item completed"),
    "item failed": Told(_WARNING, "item failed"),
    "retrying": Told(_WARNING, "retrying"),
    "recovered": Told(_INFO, "recovered"),
    "dead-lettered": Told(_ERROR, "dead-lettered"),
    "cleaned up": Told(_INFO, "cleaned up"),
    "detached": Told(_DEBUG, "goes on elsewhere"),
    "resumed": Told(_DEBUG, "goes on here"),
    "iteration": Told(_DEBUG, "iteration"),
    "schema violated": Told(_WARNING, "schema violated"),
    "stalled": Told(_WARNING, "stalled"),
    "completed": Told(_DEBUG, "completed"),
    "cancelled": Told(_WARNING, "cancelled"),
    "failed": Told(_WARNING, "failed"),
}


def _loud(name: str, **told: Told) -> dict[str, Told]:
    """Events of kinds whose beginning and end everybody wants to know of."""
    return {
        "started": Told(_INFO, f"{name} started"),
        "detached": Told(_INFO, f"{name} goes on elsewhere"),
        "resumed": Told(_INFO, f"{name} goes on here"),
        "completed": Told(_INFO, f"{name} completed"),
        "failed": Told(_ERROR, f"{name} failed"),
        **told,
    }


#: Name → kind.
KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(
            "job",
            _loud("job", created=Told(_INFO, "job created")),
            key="job_id",
            label="job_type",
            feeds=Feeds("jobs_created_total", "jobs_completed_total", "jobs_in_progress", "job_duration_seconds"),
            field="job_type",
            stack=True,
            long=True,
        ),
        Kind(
            "stage",
            _loud("job stage", failed=Told(_WARNING, "job stage failed")),
            label="stage",
            feeds=Feeds(duration="job_stage_duration_seconds"),
            field="stage",
            within="job",
        ),
        Kind(
            "engine",
            _loud("engine"),
            label="engine_name",
            feeds=Feeds(
                ended="engine_executions_total", duration="engine_duration_seconds", retries="engine_retries_total"
            ),
            field="engine",
            stack=True,
        ),
        Kind(
            "batch",
            _loud("batch", created=Told(_INFO, "batch created")),
            key="batch_id",
            feeds=Feeds(
                "batches_created_total",
                "batches_completed_total",
                duration="batch_duration_seconds",
                items="batch_items_processed_total",
            ),
            field="batch",
            stack=True,
            long=True,
        ),
        Kind(
            "run",
            _loud("run"),
            key="run_id",
            label="run",
            feeds=Feeds(ended="runs_completed_total", running="runs_in_progress", duration="run_duration_seconds"),
            field="run",
            stack=True,
            long=True,
        ),
        Kind(
            "agent",
            _loud("agent"),
            label="agent_role",
            feeds=Feeds(
                ended="agent_runs_total",
                running="agents_in_progress",
                duration="agent_duration_seconds",
                retries="agent_retries_total",
                iterations="agent_iterations_total",
            ),
            field="agent",
            stack=True,
            long=True,
        ),
        Kind("worker", _loud("worker"), field="worker", long=True),
        Kind("task", field="task"),
    )
}


#: The same with those of the application's own that were met.
known: Final[dict[str, Kind]] = dict(KINDS)
_MOST: Final = 1_000


def kind_of(name: str) -> Kind:
    """The kind of a name; of anything else, that of the text that is said of it."""
    if type(name) is not str:
        name = str(summary(name))
    found = known.get(name)
    if found is None:
        if len(known) >= _MOST:
            known.clear()
            known.update(KINDS)
        found = known[name] = Kind(name, field=name)
    return found
