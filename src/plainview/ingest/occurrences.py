"""Errors on their way in: each once, grouped with its like, and thinned where they come in a storm.

*Once*: of errors with the same ``error_id`` the first is taken, as long as it is among the last :data:`REMEMBERED`; so
an event that is sent again, or reported by two processes, counts once, whatever was restarted in between.

*Storm*: of each fingerprint, :data:`WHOLE` rows a minute are kept as they come. What comes beyond is folded, slice by
slice: rows that share five minutes, service, environment, version, level, job, batch and run become one, the first,
whose ``count`` is the sum of theirs. So the counts stay exact, over time and by each of these; what only the others
knew (their message, user, request) is not kept.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.grouping.categories import categorise
from plainview.grouping.fingerprint import group
from plainview.grouping.rules import NO_RULES, Rules
from plainview.grouping.stacks import parse
from plainview.grouping.transactions import transaction
from plainview.records import RaisedException
from plainview.store.rows import Grouped, RowError, of_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from plainview.records import ErrorRecord, ExceptionInfo, LogRecord
    from plainview.store.rows import Rows

__all__ = ["REMEMBERED", "WHOLE", "Occurrences", "as_mapping", "checked"]

#: Errors whose ids are remembered, to know them when they come again.
REMEMBERED: Final = 100_000
#: Rows of one fingerprint that are kept whole in a minute.
WHOLE: Final = 1000
_MINUTE: Final = 60.0
#: What grouping made of errors that are alike to the letter, so that it is not made again.
_CACHED: Final = 4096
#: Longest first line and place that a row holds.
_VALUE: Final = 2000
_encode: Final = msgspec.json.Encoder().encode
_EXCEPTIONS: Final = msgspec.json.Decoder(type=list[RaisedException])
_LARGEST: Final = (1 << 31) - 1
_UNKNOWN: Final = Grouped("", 0, "", "", "", "", "")


class _Told(msgspec.Struct):
    """The members of a record's ``context`` that grouping looks at; it may be large, and the others are skipped."""

    transaction: Any = None
    request: Any = None
    tags: Any = None


_CONTEXT: Final = msgspec.json.Decoder(type=_Told)


def _told(context: msgspec.Raw) -> tuple[str, dict[str, Any]]:
    """What was at work, and the tags."""
    try:
        told = _CONTEXT.decode(context)
    except msgspec.ValidationError:  # no object
        return "", {}
    named = transaction({"transaction": told.transaction, "request": told.request})
    return named, told.tags if isinstance(told.tags, dict) else {}


def _slim(raised: RaisedException) -> dict[str, Any]:
    """An exception without what grouping does not look at: source lines and variables are most of it."""
    frames = [
        {
            "file": frame.file,
            "path": frame.path,
            "module": frame.module,
            "function": frame.function,
            "in_app": frame.in_app,
        }
        for frame in raised.frames
    ]
    return {
        "type": raised.type,
        "module": raised.module,
        "message": raised.message,
        "frames": frames,
        "parent": raised.parent,
        "relation": raised.relation,
    }


def as_mapping(record: ErrorRecord, *, parsed: bool = True) -> dict[str, Any]:
    """An error as grouping takes it.

    Args:
        record: the error.
        parsed: where it has no exceptions, take its printed stack apart.

    Raises:
        RowError: its exceptions are no list of them.
    """
    try:
        exceptions = [_slim(raised) for raised in _EXCEPTIONS.decode(record.exceptions)]
        named, tags = _told(record.context)
    except msgspec.MsgspecError as error:
        msg = f"exceptions, context: {error}"
        raise RowError(msg) from None
    return {
        "exceptions": exceptions or (parse(record.stack_trace, record.platform) if parsed else []),
        "message": record.message,
        "stack_trace": record.stack_trace,
        "platform": record.platform,
        "component": record.component,
        "logger": record.logger,
        "service": record.service,
        "fingerprint": record.fingerprint,
        "transaction": named,
        "level": record.level,
        "environment": record.environment,
        "context": {"tags": tags},
    }


def checked(records: Sequence[ErrorRecord], streams: str | Sequence[str]) -> Rows:
    """Rows of errors that are not grouped, to see whether they fit.

    Raises:
        RowError: one does not; the message says why.
    """
    for record in records:
        as_mapping(record, parsed=False)
    return of_errors(records, [_UNKNOWN] * len(records), streams)


class Occurrences:
    """Groups errors, and knows those that were there before. For one thread.

    Args:
        rules: the user's, on grouping and categories.
        clock: seconds, for the storm's minutes.
    """

    def __init__(self, rules: Rules = NO_RULES, clock: Callable[[], float] = time.monotonic) -> None:
        self.rules = rules
        self._clock = clock
        #: Error id → fingerprint, oldest first.
        self._known: OrderedDict[bytes, str] = OrderedDict()
        #: Those of the batch in hand, which may yet have to be read again: what grouping made of them.
        self._fresh: dict[bytes, Grouped] = {}
        self._cache: OrderedDict[bytes, Grouped] = OrderedDict()
        self._minute = clock()
        #: Fingerprint → rows kept in this minute.
        self._kept: dict[str, int] = {}
        #: Errors that were there already, and rows that were folded into others, since the start.
        self.repeated = self.folded = 0

    # -- once ---------------------------------------------------------------------------------------------------------

    def recall(self, known: Iterable[tuple[str, str]]) -> None:
        """Remember errors that are stored: their ids and fingerprints, oldest first."""
        self._known.update((_key(id_), fingerprint) for id_, fingerprint in known)

    def discard(self) -> None:
        """Forget the batch in hand: it is read again."""
        self._fresh.clear()

    def commit(self) -> None:
        """The batch in hand is stored."""
        self._known.update((key, grouped.fingerprint) for key, grouped in self._fresh.items())
        self._fresh.clear()
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def rows(self, records: Sequence[ErrorRecord], streams: str | Sequence[str]) -> Rows:
        """Rows of errors. It neither remembers them nor looks for those that were there.

        Raises:
            RowError: one does not fit; the message says why.
        """
        grouped = [self._fresh.get(_key(record.error_id)) or self._group(record) for record in records]
        return of_errors(records, grouped, streams)

    def take(self, records: Sequence[ErrorRecord], streams: Sequence[str]) -> tuple[list[ErrorRecord], list[str]]:
        """The errors of a slice that are new, thinned, and the stream of each.

        Those that do not fit a row are handed on as they are; :meth:`rows` says why.
        """
        now = self._clock()
        if now - self._minute >= _MINUTE:
            self._minute = now
            self._kept.clear()
        kept: list[ErrorRecord] = []
        places: list[str] = []
        folds: dict[tuple[object, ...], ErrorRecord] = {}
        for record, stream in zip(records, streams, strict=True):
            record.error_id = record.error_id or secrets.token_hex(16)
            key = _key(record.error_id)
            if key in self._known or key in self._fresh:
                self.repeated += 1
                continue
            try:
                grouped = self._group(record)
            except (RowError, ValueError, TypeError, RecursionError):
                kept.append(record)
                places.append(stream)
                continue
            record.count = max(1, min(record.count, _LARGEST))
            self._fresh[key] = grouped
            fingerprint = grouped.fingerprint
            count = self._kept.get(fingerprint, 0)
            if count >= WHOLE:
                fold = _fold(fingerprint, record)
                other = folds.get(fold)
                if other is not None and other.count + record.count <= _LARGEST:
                    other.count += record.count
                    self.folded += 1
                    continue
                folds[fold] = record
            self._kept[fingerprint] = count + 1
            kept.append(record)
            places.append(stream)
        return kept, places

    def name(self, records: Iterable[LogRecord]) -> None:
        """Give the exceptions of log lines their fingerprint, those that have none."""
        for record in records:
            exception = record.exception
            if exception is not None and not exception.fingerprint and (exception.type or exception.stack_trace):
                exception.fingerprint = self._of_log(record, exception)

    def _of_log(self, record: LogRecord, exception: ExceptionInfo) -> str | None:
        if exception.error_id:
            key = _key(exception.error_id)
            found = self._fresh[key].fingerprint if key in self._fresh else self._known.get(key)
            if found:
                return found
        told = (exception.type, exception.message, exception.stack_trace, record.logger, record.service)
        key = _digest(*told)
        grouped = self._cache.get(key)
        if grouped is None:
            plain: list[dict[str, Any]] = [{"type": exception.type, "message": exception.message}]
            try:
                grouped = self._made(
                    {
                        "exceptions": parse(exception.stack_trace) or plain,
                        "stack_trace": exception.stack_trace,
                        "platform": "python",
                        "logger": record.logger,
                        "service": record.service,
                    }
                )
            except Exception:  # noqa: BLE001 - a line is not lost for what cannot be made of its stack
                grouped = _UNKNOWN
            self._remember(key, grouped)
        return grouped.fingerprint or None

    # -- grouping -----------------------------------------------------------------------------------------------------

    def _group(self, record: ErrorRecord) -> Grouped:
        error = as_mapping(record, parsed=False)
        named: tuple[Any, ...] = ()
        if record.fingerprint or self.rules.errors:  # they may name these: `{{ level }}`, `{{ tags.tenant }}`
            named = (record.level, record.environment, error["context"])
        looked_at = {name: value for name, value in error.items() if name not in {"level", "environment", "context"}}
        key = hashlib.blake2b(_encode((looked_at, named)), digest_size=16).digest()
        found = self._cache.get(key)
        if found is None:
            error["exceptions"] = error["exceptions"] or parse(record.stack_trace, record.platform)
            found = self._made(error)
            self._remember(key, found)
        return found

    def _made(self, error: dict[str, Any]) -> Grouped:
        found = group(error, rules=self.rules)
        category = categorise(error, rules=self.rules)
        return Grouped(
            found.fingerprint,
            found.version,
            found.type[:_VALUE],
            found.value[:_VALUE],
            found.culprit[:_VALUE],
            found.component[:_VALUE],
            category.name,
        )

    def _remember(self, key: bytes, grouped: Grouped) -> None:
        self._cache[key] = grouped
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)


def _key(error_id: str) -> bytes:
    """An id in half the room; ids are hexadecimal as a rule, of any form in the worst case."""
    try:
        key = bytes.fromhex(error_id)
    except ValueError:
        return _digest(error_id)
    return key if len(key) == 16 else _digest(error_id)  # noqa: PLR2004 - 32 digits


def _digest(*parts: str | bytes) -> bytes:
    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        made.update(len(data).to_bytes(4, "little"))
        made.update(data)
    return made.digest()


def _fold(fingerprint: str, record: ErrorRecord) -> tuple[object, ...]:
    # Of a time as RFC 3339 writes it: the hour, which five minutes of it, and the zone.
    time, minute = record.timestamp, record.timestamp[14:16]
    five = int(minute) // 5 if minute.isascii() and minute.isdecimal() else minute
    zone = time[-6:] if time[-1:].isdigit() else ""
    where = (record.service, record.environment, record.version, record.level)
    return (fingerprint, time[:13], five, zone, *where, record.job_id, record.batch_id, record.run_id)
