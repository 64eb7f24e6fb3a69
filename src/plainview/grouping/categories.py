"""What kind of trouble an error is, and what is to be done about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from plainview.grouping import frames, stacks, values
from plainview.grouping.catalogue import ACTIONS, CODES, MESSAGES, PARTICULAR, STATUSES, TYPES
from plainview.grouping.chains import type_of
from plainview.grouping.rules import NO_RULES, Rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from plainview.grouping.catalogue import Kind

__all__ = ["CATEGORIES", "DEFAULT", "Category", "categorise"]

#: Category to the action that is suggested.
CATEGORIES: Final = ACTIONS
#: Where nothing else is known: most errors that nobody thought of are faults of the program.
DEFAULT: Final = "bug"

#: Characters of a message that are looked at, and exceptions of a chain.
_LENGTH: Final = 1000
_MOST: Final = 12
_ERRNO: Final = re.compile(r"\[(?:Errno|WinError) (-?\d{1,5})\]|\b(E[A-Z]{3,12}|EAI_AGAIN|UND_ERR_SOCKET)\b")
_STATUS: Final = re.compile(
    r"(?i:\bHTTP(?: error| status|/\d(?:\.\d)?)?|\bstatus(?:[ _-]?code)?|\berror code|\bresponse(?: code)?"
    r"|\breturned(?: status)?|\bgot)[ :=(']{1,3}([1-5]\d\d)\b"
    r"|\b([45]\d\d) (?:Client Error|Server Error|[A-Z][a-z]+(?: [A-Z]|'|$))"
)
#: Types that say less than their message, their errno or the status in it: those are asked first.
_VAGUE: Final = re.compile(
    "|".join(
        translate(glob)
        for glob in (
            "OSError", "IOError", "EnvironmentError", "Exception", "RuntimeError", "ValueError", "Error",
            "urllib.error.*",
            "URLError", "HTTPError", "httpx.HTTPStatusError", "requests.*HTTPError", "*ClientResponseError",
            "*.ClientError",
            "*.OperationalError", "OperationalError", "*.ProgrammingError", "*.DatabaseError", "*.InternalError",
            "*.IntegrityError", "IntegrityError", "*.DBAPIError", "grpc.*", "openai.*", "anthropic.*", "*.APIError",
            "redis.*ResponseError", "ssl.SSLError", "SSLError", "requests.*ConnectionError", "urllib3.*",
            "httpx.ConnectError",
            "aiohttp.*ClientConnect*", "*.HTTPException", "HTTPException", "sqlite3.*", "psycopg*.OperationalError",
            "kombu.*OperationalError", "BlockingIOError",
        )
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Category:
    """What kind of trouble it is (one of `CATEGORIES`), what to do, and by which rule it was told."""

    name: str
    action: str
    rule: str
    #: Key or address of instructions, as a rule of the user's gives it.
    runbook: str | None = None


def categorise(error: Mapping[str, Any], *, rules: Rules = NO_RULES) -> Category:
    """The category of an error.

    The user's rules decide first. Then the exception that was caught is looked up by its type, its errno, the HTTP
    status in its message, and its message; then those it was raised from, the nearest first, and the members of a
    group. A framework's HTTP exception is judged by its status, as the application's own answer. What no rule knows is
    a bug.

    Args:
        error: an error record as a mapping, as `plainview.grouping.fingerprint.group` takes it. An exception may have
            ``bases``, the names of its type's bases, nearest first: a type that is not in the table is looked up by
            them.
        rules: the user's.
    """
    given: Sequence[Mapping[str, Any]] = frames.listed(error.get("exceptions"))
    if not given and error.get("stack_trace"):
        given = stacks.parse(str(error["stack_trace"]), frames.platform_of(error.get("platform")))
    told = [
        (type_of(one)[:_LENGTH], str(one.get("message") or "")[:_LENGTH], _bases(one))
        for one in _relevant(given)[:_MOST]
    ]
    if not told:
        told = [("", str(error.get("message") or "")[:_LENGTH], ())]
    for rule in rules.errors:
        if rule.category and rule.fits(_matched(error, told)):
            return Category(rule.category, rule.action or ACTIONS[rule.category], "your own", rule.runbook)
    for kind, message, bases in told:
        # What is of the moment tells nothing, and without it the answer is mostly known already.
        found = _known(kind, values.normalise(message, kind), bases)
        if found:
            return found
    return Category(DEFAULT, ACTIONS[DEFAULT], "default")


def _relevant(given: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The exception that was caught, what it was raised from, the members of a group: not what was being handled."""
    kept: list[int] = []
    for at, one in enumerate(given):
        parent = one.get("parent")
        if at == 0 or (parent in kept and one.get("relation") != "context"):
            kept.append(at)
    return [given[at] for at in kept]


def _bases(one: Mapping[str, Any]) -> tuple[str, ...]:
    given = one.get("bases")
    return tuple(str(base) for base in given[:20]) if isinstance(given, list | tuple) else ()


def _matched(
    error: Mapping[str, Any], told: Sequence[tuple[str, str, tuple[str, ...]]]
) -> dict[str, str | Sequence[str]]:
    kinds = [name for kind, _, bases in told for name in (kind, kind.rpartition(".")[2], *bases)]
    raised = frames.listed(error.get("exceptions"))
    found = [frame for one in raised for frame in frames.listed(one.get("frames"))]
    return {
        "type": kinds,
        "message": [message for _, message, _ in told] + [str(error.get("message") or "")],
        "module": [str(frame.get("module") or "") for frame in found],
        "function": [str(frame.get("function") or "") for frame in found],
        "path": [str(frame.get("path") or frame.get("file") or "").replace("\\", "/") for frame in found],
        "platform": frames.platform_of(error.get("platform")),
        **{name: str(error.get(name) or "") for name in ("service", "logger", "component")},
    }


@lru_cache(maxsize=4096)
def _known(kind: str, message: str, bases: tuple[str, ...]) -> Category | None:
    names = [kind, *bases]
    asked = (_by_particular, _by_code, _by_status, _by_message, _by_type) if _VAGUE.match(kind) else (
        _by_particular, _by_type, _by_code, _by_status, _by_message,
    )  # fmt: skip
    for ask in asked:
        if found := ask(names, message):
            return found
    return None


def _by_type(names: Sequence[str], _message: str) -> Category | None:
    for name in names:
        for pattern, glob, kind in _TYPES:
            if name and pattern.match(name):
                return _category(kind, next(one for one in glob if re.match(translate(one), name)))
    return None


def _by_code(_names: Sequence[str], message: str) -> Category | None:
    found = _ERRNO.search(message)
    code = (found[1] or found[2]) if found else ""
    return _category(_CODES[code], f"errno {code}") if code in _CODES else None


def _by_status(names: Sequence[str], message: str) -> Category | None:
    own = names[0].startswith(("fastapi.", "starlette.", "werkzeug.", "django."))
    found = _STATUS.search(message) or (own and re.match(r"([1-5]\d\d)(?=: |$| [A-Z])", message))
    if not found:
        return None
    status = int(next(filter(None, found.groups()), found[0]))
    if own and 400 <= status < 500:  # noqa: PLR2004 - the application's own answer to its caller
        return Category("user", ACTIONS["user"], f"answered HTTP {status}")
    return _category(_STATUSES[status], f"HTTP status {status}") if status in _STATUSES else None


def _by_message(_names: Sequence[str], message: str) -> Category | None:
    return _said(_MESSAGES, message)


def _by_particular(_names: Sequence[str], message: str) -> Category | None:
    return _said(_PARTICULAR, message)


def _said(table: Sequence[tuple[re.Pattern[str], Kind]], message: str) -> Category | None:
    for pattern, kind in table:
        if found := pattern.search(message):
            return _category(kind, f"message with {found[0][:60]!r}")
    return None


def _category(kind: Kind, rule: str) -> Category:
    return Category(kind.category, kind.action or ACTIONS[kind.category], rule)


def _numbers(text: str) -> Iterator[int]:
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


_TYPES: Final = tuple(
    (re.compile("|".join(map(translate, kind.matches.split()))), tuple(kind.matches.split()), kind) for kind in TYPES
)
_CODES: Final = {code: kind for kind in CODES for code in kind.matches.split()}
_STATUSES: Final = {status: kind for kind in STATUSES for status in _numbers(kind.matches)}
_MESSAGES, _PARTICULAR = (
    tuple((re.compile(kind.matches, re.IGNORECASE), kind) for kind in table) for table in (MESSAGES, PARTICULAR)
)
