"""Lines of made-up errors: six kinds of fault, one of them in a chain with its source and its locals."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

from records import HOSTILE, at, log

#: Type, module, message, how often; the oldest first.
FAULTS = (
    ("ConfigurationError", "studio.settings", "STUDIO_KEY is not set", 1),
    ("TimeoutError", "", "provider did not answer within 30 s", 4),
    ("MemoryError", "", "cannot allocate 4 GiB", 2),
    ("ValidationError", "studio.forms", "title: must not be empty", 9),
    ("KeyError", "", "'chapter'", 3),
    ("RenderError", "studio.render", HOSTILE[0], 1),
)


def frame(file: str, function: str, line: int, source: str, **more: object) -> dict[str, object]:
    """One frame, with lines around its source."""
    around = {"before": ["def work(job):", "    # prepare"], "after": ["    return done"]}
    return {
        "file": file,
        "module": file[:-3].replace("/", "."),
        "function": function,
        "line": line,
        "source": source,
    } | (around | more)


def error(moment: datetime, kind: str, module: str, message: str, number: int, **fields: object) -> str:
    """A line of error."""
    frames = [
        frame(
            "starlette/routing.py",
            "handle",
            288,
            "    await self.app(scope)",
            path="/x/site-packages/starlette/routing.py",
        ),
        frame("fastapi/routing.py", "app", 101, "    return await run()", path="/x/site-packages/fastapi/routing.py"),
        frame("studio/api.py", f"make_{kind}", 52, "    render(job)", path="/srv/studio/api.py"),
        frame(
            "studio/render.py",
            f"render_{kind}",
            17,
            "    raise failure",
            path="/srv/studio/render.py",
            locals={"pages": 3},
        ),
    ]
    raised = [{"type": kind, "module": module, "message": message, "frames": frames}]
    if kind == "RenderError":
        cause = {"type": "OSError", "message": "no space left", "frames": frames[3:], "parent": 0, "relation": "cause"}
        raised.append(cause)
    stack = f'Traceback (most recent call last):\n  File "/srv/studio/render.py", line 17\n{kind}: {message}'
    context = {"request": {"method": "POST", "route": "/books"}, "tags": {"plan": "pro" if number % 2 else "free"}}
    record = {
        "timestamp": at(moment),
        "error_id": hashlib.sha256(f"{kind}{number}".encode()).hexdigest()[:32],
        "level": "ERROR",
        "logger": "studio.api",
        "message": "work failed",
        "service": "studio-api",
        "environment": "production",
        "version": "1.2.0",
        "host": "web-1",
        "pid": 41,
        "request_id": f"req-{kind}-{number}",
        "user_id": f"user-{number % 3}",
        "job_id": f"job-{number}",
        "mechanism": "asgi",
        "handled": False,
        "exceptions": raised,
        "stack_trace": stack,
        "context": context,
        **fields,
    }
    return json.dumps(record)


class Faults:
    """An hour of faults, ending now, with a line of log before each."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        self.lines: list[str] = []
        for place, (kind, module, message, times) in enumerate(FAULTS):
            for number in range(times):
                moment = now - timedelta(seconds=3000 - place * 400 - number * 5)
                self.lines.append(error(moment, kind, module, message, number))
                before = moment - timedelta(milliseconds=20)
                self.lines.append(log(before, "INFO", f"about to fail: {kind}", request_id=f"req-{kind}-{number}"))
