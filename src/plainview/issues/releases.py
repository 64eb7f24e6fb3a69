"""Which release comes after which, and whether an occurrence after a resolution is a regression."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from plainview.state.tables import affected, groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

__all__ = ["known", "order", "regresses"]

#: ``1.4.2``, ``v1.4.2``, ``studio@1.4.2``: numbers, and what may stand around them.
_NUMBERS: Final = re.compile(
    r"(?:.*@)?v?(\d{1,9}(?:\.\d{1,9}){1,4})([-.]?(?:dev|a|b|rc|alpha|beta|pre)[.\d]*)?(?:\+.*)?"
)


def order(release: str) -> tuple[tuple[int, ...], int] | None:
    """What a release sorts by where its name is a number; a forerunner comes before the release itself."""
    found = _NUMBERS.fullmatch(release)
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    return (*numbers, *[0] * (5 - len(numbers))), 0 if found[2] else 1


def known(connection: Connection, issue: int) -> list[str]:
    """The releases that are known of the services in which an issue occurred."""
    services = (
        select(affected.c.value)
        .join_from(affected, groups, affected.c.group == groups.c.id)
        .where(groups.c.issue == issue, affected.c.kind == "service")
    )
    neighbours = select(affected.c.group).where(affected.c.kind == "service", affected.c.value.in_(services))
    found = connection.scalars(
        select(affected.c.value).distinct().where(affected.c.kind == "release", affected.c.group.in_(neighbours))
    )
    return sorted(found)


def regresses(issue: Mapping[Any, Any], last: int, releases: Mapping[str, int]) -> bool:
    """Whether occurrences after a resolution say that it did not hold.

    Without a release, any that happened later does. With one: of that release or a later one; where names are no
    numbers, of that one or of one that was not known at the time. In the *next* release: of one that was not known,
    and is not earlier than all that were.

    Args:
        issue: the row of a resolved issue.
        last: the last occurrence, microseconds since 1970.
        releases: release → its last occurrence.
    """
    if issue["known_releases"] is None:
        return bool(last > issue["since"])
    old: list[str] = json.loads(issue["known_releases"])
    return any(
        seen > issue["since"] and _after(release, issue["resolved_in"], old) for release, seen in releases.items()
    )


def _after(release: str, mended: str | None, old: list[str]) -> bool:
    here = order(release)
    if mended is not None:
        least = order(mended)
        return here >= least if here and least else release == mended or release not in old
    if release in old:
        return False
    numbers = [number for number in map(order, old) if number]
    return here > max(numbers) if here and numbers else True
