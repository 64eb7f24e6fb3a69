"""Events: errors and messages (https://develop.sentry.dev/sdk/foundations/transport/event-payloads/)."""

from __future__ import annotations

import secrets
from typing import Any, Final

import msgspec

from plainview.ingest.sentry.values import (
    context_fields,
    hexadecimal,
    items,
    mapping,
    moment,
    pairs,
    text,
    whole,
)
from plainview.records import ErrorRecord, RaisedException, StackFrame

__all__ = ["LEVELS", "attached", "error"]

#: Sentry's level → ours.
LEVELS: Final = {
    "fatal": "CRITICAL",
    "critical": "CRITICAL",
    "error": "ERROR",
    "warning": "WARNING",
    "warn": "WARNING",
    "info": "INFO",
    "log": "INFO",
    "debug": "DEBUG",
    "trace": "DEBUG",
}
_MOST_EXCEPTIONS, _MOST_FRAMES, _MOST_CRUMBS = 48, 120, 100
_LINE, _MESSAGE, _VALUE = 400, 16_000, 2_000
#: Most members of an object, and their longest name.
_MEMBERS, _KEY = 100, 200
_SCALARS: Final = frozenset({int, float, bool, type(None)})
#: Longest line of a record, with room below the limit of ingest.
_LONGEST: Final = 900 << 10
_MOST_ATTACHED: Final = 16_000


def error(event: dict[str, Any], service: str, now: int) -> ErrorRecord:
    """An occurrence of an error.

    Args:
        event: the payload.
        service: what the application is called, where the event does not say.
        now: nanoseconds since 1970.
    """
    tags, user = pairs(event.get("tags")), mapping(event.get("user"))
    trace = mapping(mapping(event.get("contexts")).get("trace"))
    values = items(event.get("exception"))[-_MOST_EXCEPTIONS:]
    raised = _raised(values)
    caught = mapping(mapping(values[-1] if values else None).get("mechanism"))
    entry = mapping(event.get("logentry"))
    said = entry.get("formatted") or entry.get("message") or event.get("message")
    said = mapping(said).get("formatted") or mapping(said).get("message") or said
    handled = caught.get("handled")
    fingerprint = [text(part, 500) for part in items(event.get("fingerprint"))][:20]
    record = ErrorRecord(
        timestamp=moment(event.get("timestamp"), now),
        error_id=hexadecimal(event.get("event_id"), 32) or secrets.token_hex(16),
        level=LEVELS.get(text(event.get("level")).lower(), "ERROR"),
        logger=text(event.get("logger"), 200),
        message=text(said, _MESSAGE),
        service=service,
        environment=text(event.get("environment"), 100) or "production",
        version=text(event.get("release"), 250),
        host=text(event.get("server_name"), 250),
        trace_id=hexadecimal(trace.get("trace_id"), 32) or None,
        span_id=hexadecimal(trace.get("span_id"), 16) or None,
        exceptions=_json(raised),
        stack_trace=_printed(raised),
        mechanism=text(caught.get("type"), 100) or "sentry",
        handled=handled if isinstance(handled, bool) else True,
        fingerprint=None if fingerprint in ([], ["{{ default }}"]) else fingerprint,
        platform=text(event.get("platform"), 60) or "python",
        context=_json(_context(event, tags, user)),
        extra=_json(_bounded(mapping(event.get("extra")))),
        **context_fields(tags, user),
    )
    return _short_enough(record)


def _json(value: object) -> msgspec.Raw:
    # No NUL travels in a line: JSON writes it as an escape, which the store would have to hold.
    return msgspec.Raw(msgspec.json.encode(value).replace(b"\\u0000", b""))


def _raised(values: list[Any]) -> list[RaisedException]:
    """Sentry lists the root cause first, we the exception that was caught.

    Which belongs to which is told by the mechanisms' ids; where they are silent, each is the cause of the next.
    """
    given = [mapping(value) for value in reversed(values)]
    mechanisms = [mapping(each.get("mechanism")) for each in given]
    places = {
        one["exception_id"]: place for place, one in enumerate(mechanisms) if type(one.get("exception_id")) is int
    }
    result = []
    for place, (each, mechanism) in enumerate(zip(given, mechanisms, strict=True)):
        parent_id = mechanism.get("parent_id")
        parent = places.get(parent_id) if type(parent_id) is int else (place - 1 if place else None)
        if parent == place:
            parent = None
        relation = None
        if parent is not None:
            source = text(mechanism.get("source"), 60)
            relation = "context" if source == "__context__" else "cause"
            if mechanisms[parent].get("is_exception_group") is True and source not in {"__cause__", "__context__"}:
                relation = "member"
        result.append(
            RaisedException(
                type=text(each.get("type"), 300) or "Error",
                module=text(each.get("module"), 300),
                message=text(each.get("value"), _MESSAGE),
                frames=_frames(each.get("stacktrace")),
                parent=parent,
                relation=relation,
            )
        )
    return result


def _frames(stacktrace: object) -> list[StackFrame]:
    frames = [mapping(each) for each in items(mapping(stacktrace).get("frames"))]
    if len(frames) > _MOST_FRAMES:  # of a deep recursion the middle is left out
        frames = frames[: _MOST_FRAMES // 4] + frames[-_MOST_FRAMES * 3 // 4 :]
    return [
        StackFrame(
            file=text(each.get("filename") or each.get("abs_path"), 500),
            path=text(each.get("abs_path"), 500),
            module=text(each.get("module") or each.get("package"), 300),
            function=text(each.get("function"), 300),
            line=whole(each.get("lineno")),
            source=text(each.get("context_line"), _LINE),
            before=_lines(items(each.get("pre_context"))[-10:]),
            after=_lines(items(each.get("post_context"))[:10]),
            in_app=each["in_app"] if isinstance(each.get("in_app"), bool) else None,
            locals=_bounded(mapping(each.get("vars"))) or None,
        )
        for each in frames
    ]


def _lines(lines: list[Any]) -> list[str]:
    for line in lines:
        if type(line) is not str or len(line) > _LINE or "\0" in line:
            return [text(line, _LINE) for line in lines]
    return lines


def _printed(raised: list[RaisedException]) -> str:
    """The stack trace as Python prints it, the root cause first."""
    parts = []
    for each in reversed(raised):
        lines = ["Traceback (most recent call last):"] if each.frames else []
        for frame in each.frames:
            lines.append(f'  File "{frame.path or frame.file}", line {frame.line}, in {frame.function}')
            if frame.source.strip():
                lines.append(f"    {frame.source.strip()}")
        name = f"{each.module}.{each.type}" if each.module not in {"", "builtins", "__main__"} else each.type
        parts.append("\n".join([*lines, f"{name}: {each.message}" if each.message else name]))
    between = "\n\nThe above exception was the direct cause of the following exception:\n\n"
    return between.join(parts)[: 64 << 10]


def _context(event: dict[str, Any], tags: dict[str, str], user: dict[str, Any]) -> dict[str, Any]:
    crumbs = [_bounded(mapping(each)) for each in items(event.get("breadcrumbs"))[-_MOST_CRUMBS:]]
    sdk = mapping(event.get("sdk"))
    threads = [
        {
            "name": text(each.get("name"), 200),
            "current": bool(each.get("current")),
            "frames": _frames(each.get("stacktrace")),
        }
        for each in map(mapping, items(event.get("threads"))[:20])
        if each.get("stacktrace")
    ]
    found = {
        "tags": tags,
        "user": _bounded(user),
        "request": _request(mapping(event.get("request"))),
        "transaction": text(event.get("transaction"), 300),
        "contexts": _bounded(mapping(event.get("contexts"))),
        "breadcrumbs": crumbs,
        "threads": threads,
        "modules": pairs(event.get("modules")),
        "sdk": {"name": text(sdk.get("name"), 100), "version": text(sdk.get("version"), 60)} if sdk else None,
        "dist": text(event.get("dist"), 100),
    }
    return {name: value for name, value in found.items() if value}


def _request(request: dict[str, Any]) -> dict[str, Any]:
    """The request; headers and cookies are already what the SDK lets out."""
    kept = {name: text(request.get(name), _VALUE) for name in ("url", "method", "query_string")}
    found: dict[str, Any] = {name: value for name, value in kept.items() if value}
    for name in ("headers", "env"):
        if request.get(name):
            found[name] = pairs(request[name])
    if request.get("data"):
        found["data"] = _bounded({"data": request["data"]})["data"]
    return found


def _bounded(values: dict[str, Any], depth: int = 4) -> dict[str, Any]:
    if _is_small(values):
        return values
    return {text(key, _KEY): _value(value, depth) for key, value in list(values.items())[:_MEMBERS]}


def _is_small(values: dict[str, Any]) -> bool:
    """Whether they are few and short, as nearly all are: they stay as they are (`_json` takes their NULs out)."""
    if len(values) > _MEMBERS:
        return False
    for key, value in values.items():
        kind = type(value)
        if len(key) > _KEY or (len(value) > _VALUE if kind is str else kind not in _SCALARS):
            return False
    return True


def _value(value: Any, depth: int) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return value[:_VALUE]
    if isinstance(value, dict):
        return _bounded(value, depth - 1) if depth else f"[{len(value)} members]"
    if isinstance(value, list):
        return [_value(each, depth - 1) for each in value[:50]] if depth else f"[{len(value)} items]"
    return value


def _short_enough(record: ErrorRecord) -> ErrorRecord:
    """A record that is too long for a line loses what weighs most, in this order."""
    if len(record.exceptions) + len(record.context) + len(record.extra) < _LONGEST // 4:  # the rest is bounded
        return record
    for shorten in (_without_context, _without_frames_around):
        if len(msgspec.json.encode(record)) <= _LONGEST:
            break
        shorten(record)
    return record


def _without_context(record: ErrorRecord) -> None:
    context = msgspec.json.decode(record.context)
    record.context = _json({name: context[name] for name in ("tags", "user", "transaction") if name in context})
    record.extra = msgspec.Raw(b'{"line_too_long":true}')


def _without_frames_around(record: ErrorRecord) -> None:
    raised = msgspec.json.decode(record.exceptions, type=list[RaisedException])[:4]
    for each in raised:
        each.message = each.message[:_VALUE]
        each.frames = [
            StackFrame(frame.file, frame.path, frame.module, frame.function, frame.line, in_app=frame.in_app)
            for frame in each.frames[-50:]
        ]
        each.parent = each.parent if each.parent is not None and each.parent < len(raised) else None
    record.exceptions = _json(raised)


def attached(record: ErrorRecord, headers: dict[str, Any], payload: bytes) -> None:
    """Note an attachment of an event: its name and size, and what it says if it is text and short."""
    about: dict[str, Any] = {
        "filename": text(headers.get("filename"), 200),
        "content_type": text(headers.get("content_type"), 100),
        "size": len(payload),
    }
    if len(payload) <= _MOST_ATTACHED:
        try:
            about["text"] = payload.decode().replace("\0", "")
        except UnicodeDecodeError:
            about["binary"] = True
    context = msgspec.json.decode(record.context)
    context.setdefault("attachments", []).append(about)
    record.context = _json(context)
