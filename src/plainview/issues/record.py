"""One issue: found by any of its ids, with all that it touched, how it came to be, and what is like it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote as percent

import msgspec
from sqlalchemy import func, or_, select

from plainview.grouping.categories import CATEGORIES, categorise
from plainview.grouping.fingerprint import group
from plainview.grouping.rules import NO_RULES, Rules
from plainview.issues.listing import moments, shown
from plainview.issues.occurrences import Kept, among, distributions, few, read, requests, whole
from plainview.issues.regrouping import as_mapping
from plainview.issues.workflow import number
from plainview.query.conditions import check_text
from plainview.query.sql import Sql, all_of, select as query
from plainview.query.times import moment
from plainview.records import CONTEXT_FIELDS
from plainview.state.tables import AFFECTED, affected, groups, history, issues

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from plainview.query.reader import Reader
    from plainview.state.database import Database

__all__ = ["changes", "detail", "find", "fingerprints", "latest", "located", "similar", "why"]

#: Affected values that an answer lists, the latest first; how many there are is exact.
_LISTED: Final = 100
#: So many values of all kinds are read at once.
_FEW_HITS: Final = 300
_FEW: Final = 10
_CANDIDATES: Final = 300
_ALIKE: Final = 0.35
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


def find(database: Database, reader: Reader, text: str) -> int | None:
    """Number of the issue that an id, a fingerprint or an occurrence's ``error_id`` belongs to."""
    with database.read() as connection:
        wanted = number(text)
        if wanted is not None and (found := _living(connection, wanted)) is not None:
            return found
        by_fingerprint = select(groups.c.issue).where(groups.c.fingerprint == text.lower())
        found = connection.scalar(by_fingerprint)
        if found is not None:
            return int(found)
        row = reader.row(query("fingerprint", "error_occurrences", Sql("error_id = ?", (text,)), "LIMIT 1"))
        issue = row and connection.scalar(select(groups.c.issue).where(groups.c.fingerprint == row[0]))
    return int(issue) if issue else None


def located(database: Database, reader: Reader, text: str) -> dict[str, Any] | None:
    """What `plainview.query.resolve` says of an id, of those that lead to an issue: where it is shown, its times."""
    text = check_text(text.strip(), "id")
    issue = find(database, reader, text) if text else None
    if issue is None:
        return None
    with database.read() as connection:
        row = connection.execute(select(issues.c.first_seen, issues.c.last_seen).where(issues.c.id == issue)).one()
        member = connection.scalar(select(groups.c.id).where(groups.c.fingerprint == text.lower()))
    occurrence = "" if number(text) is not None or member is not None else f"?occurrence={percent(text, safe='')}"
    url = f"/errors/E{issue}{occurrence}"
    return {"kind": "error", "url": url, "first": moments(row[0]), "last": moments(row[1])}


def _living(connection: Connection, wanted: int) -> int | None:
    """The issue, or the one that took it in."""
    for _ in range(100):
        row = connection.execute(select(issues.c.id, issues.c.merged_into).where(issues.c.id == wanted)).first()
        if row is None:
            return None
        if row[1] is None:
            return int(row[0])
        wanted = row[1]
    return None


def fingerprints(connection: Connection, issue: int) -> list[str]:
    """Those of an issue's groups."""
    found = connection.scalars(select(groups.c.fingerprint).where(groups.c.issue == issue).order_by(groups.c.id))
    return list(found)


def detail(
    database: Database, reader: Reader, issue: int, include: Collection[str] = (), rules: Rules = NO_RULES
) -> dict[str, Any]:
    """An issue whole.

    Args:
        database: of the issues.
        reader: the way to the occurrences.
        issue: its number.
        include: what else is told: ``occurrence``, its latest one whole; ``distributions``, what they have in common.
        rules: the user's, on which frames are the application's own.
    """
    with database.read() as connection:
        row = connection.execute(select(issues).where(issues.c.id == issue)).mappings().one()
        listed = shown(connection, [row])[0]
        ids = list(connection.scalars(select(groups.c.id).where(groups.c.issue == issue)))
        hits = _all_hits(connection, ids)
        members = [
            {
                "fingerprint": each.fingerprint,
                "grouping": each.grouping,
                "origin": f"E{each.origin}",
                "occurrence_count": each.count,
                "first_seen": moments(each.first_seen),
                "last_seen": moments(each.last_seen),
            }
            for each in connection.execute(select(groups).where(groups.c.issue == issue).order_by(groups.c.id))
        ]
    own = [member["fingerprint"] for member in members]
    kept = few(reader, own, row["count"])
    newest = _newest(reader, own, row["last_seen"], kept)
    sample = newest or json.loads(row["sample"])
    more: dict[str, Any] = {}
    if "occurrence" in include:
        more["occurrence"] = whole(reader, own, newest, rules, kept) if newest else None
    if "distributions" in include:
        more["distributions"] = distributions(reader, own, kept)
    return {
        **listed,
        **more,
        "error_id": listed["id"],
        "platform": row["platform"],
        "stack_trace": sample["stack_trace"],
        "context": _context(sample),
        "latest": newest["error_id"] if newest else None,
        "groups": members,
        "action": CATEGORIES.get(row["category"], ""),
        "resolution_notes": row["notes"],
        "resolved_in": row["resolved_in"],
        "status_since": moments(row["since"]),
        "ignored_until": moments(row["ignored_until"]) if row["ignored_until"] else None,
        "ignored_until_count": row["ignored_count"],
        **{f"affected_{kind}s": hits[kind][0] for kind in ("job", "user", "run")},
        "affected_batches": hits["batch"][0],
        "affected_requests": requests(reader, own, kept) if newest else [],
        "affected_services": hits["service"][0],
        "environments": hits["environment"][0],
        "releases": hits["release"][0],
        "affected": {kind: count for kind, (_, count) in hits.items()},
    }


def _context(sample: Mapping[str, Any]) -> dict[str, Any]:
    try:
        context = msgspec.json.decode(sample["context"])
    except msgspec.MsgspecError:  # cut to the length that is kept
        context = {}
    known = {name: sample[name] for name in (*CONTEXT_FIELDS, "version", "environment") if sample.get(name)}
    return known | (context if isinstance(context, dict) else {})


def _all_hits(connection: Connection, ids: Sequence[int]) -> dict[str, tuple[list[str], int]]:
    """For each kind the latest values that groups touched, and how many there are."""
    of_kind = func.count() if len(ids) == 1 else func.count(affected.c.value.distinct())
    where = affected.c.group.in_(ids)
    counts = {
        kind: int(count)
        for kind, count in connection.execute(select(affected.c.kind, of_kind).where(where).group_by(affected.c.kind))
    }
    if sum(counts.values()) > _FEW_HITS:
        return {
            kind: (_hits(connection, ids, kind) if counts.get(kind) else [], counts.get(kind, 0)) for kind in AFFECTED
        }
    last = func.max(affected.c.last_seen)
    rows = connection.execute(
        select(affected.c.kind, affected.c.value)
        .where(where)
        .group_by(affected.c.kind, affected.c.value)
        .order_by(last.desc(), affected.c.value)
    ).all()
    return {kind: ([value for of, value in rows if of == kind][:_LISTED], counts.get(kind, 0)) for kind in AFFECTED}


def _hits(connection: Connection, ids: Sequence[int], kind: str) -> list[str]:
    """The latest values of a kind that groups touched."""
    last = func.max(affected.c.last_seen)
    listed = select(affected.c.value).group_by(affected.c.value).order_by(last.desc(), affected.c.value).limit(_LISTED)
    if len(ids) == 1:
        where = (affected.c.group == ids[0], affected.c.kind == kind)
        listed = select(affected.c.value).order_by(affected.c.last_seen.desc(), affected.c.value).limit(_LISTED)
    else:
        # Groups by number, without a join: else SQLite goes through all values of the kind.
        # (With the kind as it is, it would do the same again, for the order.)
        where = (affected.c.group.in_(ids), affected.c.kind.concat("") == kind)
    return list(connection.scalars(listed.where(*where)))


def _newest(reader: Reader, members: Sequence[str], last_seen: int, kept: Kept | None) -> dict[str, Any] | None:
    """The row of the last occurrence; None: it is not kept any more."""
    if kept is None:
        where = all_of(among(members), Sql("timestamp >= ?", (moment(last_seen),)))
        found = reader.row(query("id", "error_occurrences", where, "ORDER BY timestamp DESC, id DESC LIMIT 1"))
    else:
        found = (kept[-1]["id"],) if kept else None
    return read(reader, found[0]) if found else None


def latest(database: Database, reader: Reader, issue: int, rules: Rules = NO_RULES) -> dict[str, Any] | None:
    """An issue's last occurrence, whole; None: it is not kept any more."""
    with database.read() as connection:
        members = fingerprints(connection, issue)
        count, last_seen = connection.execute(
            select(issues.c.count, issues.c.last_seen).where(issues.c.id == issue)
        ).one()
    kept = few(reader, members, count)
    newest = _newest(reader, members, last_seen, kept)
    return whole(reader, members, newest, rules, kept) if newest else None


def changes(database: Database, issue: int) -> list[dict[str, Any]]:
    """The history of an issue, what was said included, the latest first."""
    with database.read() as connection:
        rows = connection.execute(
            select(history).where(history.c.issue == issue).order_by(history.c.id.desc()).limit(1000)
        ).mappings()
        return [
            {
                "time": moments(row["time"]),
                "actor": row["actor"],
                "action": row["action"],
                "before": row["before"],
                "after": row["after"],
                "note": row["note"],
            }
            for row in rows
        ]


def similar(database: Database, issue: int) -> list[dict[str, Any]]:
    """Other issues like one: of its type or place, in the order of what their messages share.

    ``similarity`` is a mean of three: the same type, the same place, the share of common words of both messages.
    """
    with database.read() as connection:
        own = connection.execute(select(issues).where(issues.c.id == issue)).mappings().one()
        near = or_(issues.c.error_type == own["error_type"], issues.c.culprit == own["culprit"])
        rows = connection.execute(
            select(issues)
            .where(issues.c.merged_into.is_(None), issues.c.id != issue, near)
            .order_by(issues.c.last_seen.desc())
            .limit(_CANDIDATES)
        ).mappings()
        scores = {row["id"]: (_similarity(own, row), row) for row in rows}
        best = sorted((pair for pair in scores.values() if pair[0] >= _ALIKE), key=lambda pair: -pair[0])[:_FEW]
        listed = shown(connection, [row for _, row in best])
    return [entry | {"similarity": round(score, 2)} for entry, (score, _) in zip(listed, best, strict=True)]


def _similarity(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> float:
    words, others = (set(_WORD.findall(row["error_message"].lower())) for row in (one, other))
    shared = len(words & others) / len(words | others) if words | others else 1.0
    same = [one[name] == other[name] and bool(one[name]) for name in ("error_type", "culprit")]
    return float(sum(same) + shared) / 3


def why(database: Database, reader: Reader, issue: int, rules: Rules = NO_RULES) -> dict[str, Any] | None:
    """How an issue's last occurrence is grouped, and why; None when the store has let go of all of them."""
    with database.read() as connection:
        members = fingerprints(connection, issue)
        last_seen = connection.scalar(select(issues.c.last_seen).where(issues.c.id == issue))
    newest = _newest(reader, members, int(last_seen or 0), None)
    if newest is None:
        return None
    error = as_mapping(newest)
    found = group(error, rules=rules)
    category = categorise(error, rules=rules)
    return {
        "fingerprints": members,
        "fingerprint": found.fingerprint,
        "version": found.version,
        "parts": list(found.parts),
        "category": category.name,
        "category_rule": category.rule,
        "action": category.action,
        "runbook": category.runbook,
    }
