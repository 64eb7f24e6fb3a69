"""From new to resolved and back: who may go where, and what is written down of it.

``new`` → ``acknowledged`` → ``resolved`` → ``regressed`` (by itself, when it happens again), and ``ignored`` beside;
each may be opened again. Every change is a line of the history.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from plainview.issues.releases import known
from plainview.query.cursor import row_id
from plainview.state.tables import history, issues

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

__all__ = ["ACTIONS", "NOBODY", "OURSELVES", "STATUSES", "Conflict", "Decision", "apply", "comment", "note", "number"]

STATUSES: Final = ("new", "acknowledged", "resolved", "regressed", "ignored")
#: Actor of what Plainview does by itself, and of who did not say.
OURSELVES: Final = "plainview"
NOBODY: Final = "somebody"

#: Action → from which statuses, to which one.
_WAYS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "acknowledge": (("new", "regressed"), "acknowledged"),
    "resolve": (("new", "acknowledged", "regressed", "ignored"), "resolved"),
    "ignore": (("new", "acknowledged", "regressed"), "ignored"),
    "reopen": (("acknowledged", "resolved", "ignored"), "new"),
}
#: What can be done to an issue: those, and to give it to somebody.
ACTIONS: Final = (*_WAYS, "assign")
#: An issue's number has fewer.
_DIGITS: Final = 10
#: What belongs to a status and goes with it.
_CLEARED: Final[dict[str, None]] = dict.fromkeys(("resolved_in", "known_releases", "ignored_until", "ignored_count"))


class Conflict(Exception):  # noqa: N818 - the word of HTTP, 409
    """An issue's status does not allow what was asked; the message says what it is and what would be allowed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided. Moments are microseconds since 1970."""

    #: One of `ACTIONS`.
    action: str
    actor: str = NOBODY
    #: With ``resolve``: how it was mended; else a remark.
    notes: str | None = None
    #: With ``resolve``: the release that mends it; occurrences of earlier ones are no regression.
    in_release: str | None = None
    #: With ``resolve``: no release that is known yet does.
    in_next_release: bool = False
    #: With ``ignore``: until then, or until so many more occurrences; whichever comes first.
    until: int | None = None
    count: int | None = None
    #: With ``assign``: to whom; None: to nobody.
    assignee: str | None = None


def number(text: str) -> int | None:
    """The number of an issue's id, ``E12``."""
    digits = text[1:]
    found = row_id(digits) if text[:1] in {"E", "e"} and len(digits) < _DIGITS else -1
    return found if found >= 0 else None


def note(  # noqa: PLR0913 - the columns of a line
    connection: Connection,
    issue: int,
    now: int,
    actor: str,
    action: str,
    *,
    change: tuple[str | None, str | None] = (None, None),
    said: str | None = None,
) -> None:
    """Write a line of the history.

    Args:
        connection: in a transaction.
        issue: number of the issue.
        now: microseconds since 1970.
        actor: who did it.
        action: what was done.
        change: before and after.
        said: notes.
    """
    before, after = change
    connection.execute(
        history.insert().values(
            issue=issue, time=now, actor=actor, action=action, before=before, after=after, note=said
        )
    )


def comment(connection: Connection, issue: int, text: str, actor: str, now: int) -> None:
    """Say something about an issue."""
    note(connection, issue, now, actor, "commented", said=text)


def apply(connection: Connection, issue: int, decision: Decision, now: int) -> None:
    """Do what somebody decided.

    What is so already is no conflict and no change; the notes of what is resolved can be given anew.

    Raises:
        Conflict: the issue's status does not allow it.
    """
    row = connection.execute(select(issues).where(issues.c.id == issue)).mappings().one()
    if decision.action == "assign":
        if row["assignee"] != decision.assignee:
            _change(connection, issue, assignee=decision.assignee)
            note(
                connection,
                issue,
                now,
                decision.actor,
                "assigned",
                change=(row["assignee"], decision.assignee),
                said=decision.notes,
            )
        return
    allowed, to = _WAYS[decision.action]
    status = row["status"]
    if status == to and decision.action != "reopen":
        _again(connection, row, decision, now)
        return
    if status not in allowed:
        able = ", ".join(action for action, (before, _) in _WAYS.items() if status in before)
        msg = f"E{issue} is {status}: {decision.action} is not possible; possible are {able}, assign"
        raise Conflict(msg)
    values: dict[str, Any] = {**_CLEARED, "status": to, "since": now}
    if to == "resolved":
        values |= _resolved(connection, issue, decision)
    elif to == "ignored":
        more = row["count"] + decision.count if decision.count else None
        values |= {"ignored_until": decision.until, "ignored_count": more}
    _change(connection, issue, **values)
    note(connection, issue, now, decision.actor, decision.action, change=(status, to), said=decision.notes)


def _again(connection: Connection, row: Mapping[Any, Any], decision: Decision, now: int) -> None:
    """The status is what was asked for: what was given with it may be new."""
    values: dict[str, Any] = {}
    if decision.action == "resolve" and (decision.notes or decision.in_release or decision.in_next_release):
        values = _resolved(connection, row["id"], decision)
        values["notes"] = values["notes"] or row["notes"]
    elif decision.action == "ignore":
        more = row["count"] + decision.count if decision.count else None
        values = {"ignored_until": decision.until, "ignored_count": more}
    if any(row[name] != value for name, value in values.items()):
        _change(connection, row["id"], **values)
        note(
            connection,
            row["id"],
            now,
            decision.actor,
            decision.action,
            change=(row["status"],) * 2,
            said=decision.notes,
        )


def _resolved(connection: Connection, issue: int, decision: Decision) -> dict[str, Any]:
    values: dict[str, Any] = {"notes": decision.notes, "resolved_in": decision.in_release, "known_releases": None}
    if decision.in_release or decision.in_next_release:
        values["known_releases"] = json.dumps(known(connection, issue))
    return values


def _change(connection: Connection, issue: int, **values: object) -> None:
    connection.execute(update(issues).where(issues.c.id == issue).values(**values))
