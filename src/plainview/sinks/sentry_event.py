"""An error as an event of Sentry's protocol.

Source: https://develop.sentry.dev/sdk/foundations/envelopes/event-payloads/ and its pages on exceptions, stack traces
and exception groups.
"""

from __future__ import annotations

import sysconfig
from typing import Any, Final

import msgspec

from plainview.records import ErrorRecord, RaisedException, StackFrame

__all__ = ["event_of"]

_record: Final = msgspec.json.Decoder(ErrorRecord).decode
_exceptions: Final = msgspec.json.Decoder(list[RaisedException]).decode
_object: Final = msgspec.json.Decoder(dict[str, Any]).decode

#: Context fields that Sentry has no place for: they become tags.
_TAGS: Final = ("request_id", "job_id", "batch_id", "run_id", "project_id", "session_id", "tenant_id", "component")
_LEVELS: Final = {"CRITICAL": "fatal"}
_MAX_TAG: Final = 200
#: Where code lies that is not the application's.
_LIBRARIES: Final = ("/site-packages/", "/dist-packages/")
_STANDARD: Final = sysconfig.get_paths()["stdlib"] + "/"


def event_of(line: bytes) -> dict[str, Any]:
    """The event of a line of kind ``error``.

    Raises:
        msgspec.DecodeError: the line is no such record.
    """
    record = _record(line)
    around = _object(record.context)
    extra = _object(record.extra)
    if record.count > 1:
        extra["occurrences"] = record.count
    tags = {name: value for name in _TAGS if (value := getattr(record, name))}
    tags |= {"service": record.service} if record.service else {}
    tags |= {str(name): str(value)[:_MAX_TAG] for name, value in (around.pop("tags", None) or {}).items()}
    request = around.pop("request", None) or {}
    user = around.pop("user", None) or {}
    contexts = around.pop("contexts", None) or {}
    if record.trace_id:
        contexts["trace"] = {"trace_id": record.trace_id, "span_id": record.span_id or "", "op": "error"}
    event: dict[str, Any] = {
        "event_id": record.error_id,
        "timestamp": record.timestamp,
        "platform": record.platform,
        "level": _LEVELS.get(record.level, record.level.lower()),
        "logger": record.logger,
        "release": record.version,
        "environment": record.environment,
        "server_name": record.host,
        "tags": {name: str(value)[:_MAX_TAG] for name, value in tags.items()},
        "user": {"id": record.user_id} | user if record.user_id else user,
        "contexts": contexts,
        "request": _request(request),
        "transaction": around.pop("transaction", None) or _route(request),
        "extra": extra,
        "fingerprint": record.fingerprint,
        "logentry": {"formatted": record.message} if record.message else None,
        "exception": _exception(record),
    }
    return {name: value for name, value in event.items() if value}


def _route(request: dict[str, Any]) -> str:
    return f"{request.get('method', '')} {request['route']}".strip() if request.get("route") else ""


def _request(found: dict[str, Any]) -> dict[str, Any]:
    """A request, with its route in front of its path: Sentry has one word for both."""
    told = {
        name: found[name] for name in ("method", "query_string", "headers", "cookies", "data", "env") if name in found
    }
    url = found.get("url") or found.get("path")
    return told | ({"url": url} if url else {})


def _exception(record: ErrorRecord) -> dict[str, Any] | None:
    listed = _exceptions(record.exceptions)
    if not listed:
        return None
    groups = {one.parent for one in listed if one.relation == "member"}
    values = [_value(record, listed, number, is_group=number in groups) for number in range(len(listed))]
    return {"values": values[::-1]}  # Sentry's order: the one that was caught is the last


def _value(record: ErrorRecord, listed: list[RaisedException], number: int, *, is_group: bool) -> dict[str, Any]:
    one = listed[number]
    mechanism: dict[str, Any] = {"type": record.mechanism if number == 0 else "chained", "exception_id": number}
    if number == 0:
        mechanism["handled"] = record.handled
    if is_group:
        mechanism["is_exception_group"] = True
    if one.parent is not None:
        mechanism["parent_id"] = one.parent
        mechanism["source"] = f"__{one.relation}__"
        if one.relation == "member":
            place = sum(other.parent == one.parent and other.relation == "member" for other in listed[:number])
            mechanism["source"] = f"exceptions[{place}]"
    value: dict[str, Any] = {
        "type": one.type,
        "value": "\n".join((one.message, *one.notes)),
        "module": one.module,
        "mechanism": mechanism,
    }
    if one.frames:
        value["stacktrace"] = {"frames": [_frame(frame) for frame in one.frames]}
        if one.frames_omitted:
            value["stacktrace"]["frames_omitted"] = one.frames_omitted
    return {name: item for name, item in value.items() if item != ""}


def _frame(frame: StackFrame) -> dict[str, Any]:
    told: dict[str, Any] = {
        "filename": frame.file,
        "abs_path": frame.path,
        "module": frame.module,
        "function": frame.function.rpartition(".")[2],  # as Sentry's SDK has it: it groups by it
        "lineno": frame.line,
        "context_line": frame.source,
        "pre_context": frame.before,
        "post_context": frame.after,
        "vars": frame.locals,
    }
    return {name: item for name, item in told.items() if item} | {"in_app": _in_app(frame)}


def _in_app(frame: StackFrame) -> bool:
    if frame.in_app is not None:
        return frame.in_app
    path = frame.path or frame.file
    return not (path.startswith(("<frozen ", _STANDARD)) or any(part in path for part in _LIBRARIES))
