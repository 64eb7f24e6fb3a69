"""The public API as a user's type checker sees it. Never run: `mypy --strict` reads it (see `make lint`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

import plainview
from plainview import context, get_logger, traced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

settings = plainview.configure(service="shop", environment="production", level="WARN", levels={"shop.db": "ERROR"})
assert_type(settings, plainview.Settings)
assert_type(settings.level, str)
assert_type(settings.scrub_keys, tuple[str, ...])

log = get_logger(__name__)
assert_type(log, plainview.Logger)
log.info("order placed", order=7, lines=["a", "b"], total=12.5)
log.log("warn", "by name")
try:
    pass
except ValueError as error:
    log.exception("failed", order=7)
    log.exception("failed", exc_info=error)
    assert_type(plainview.capture_exception(error, component="cart", tags={"plan": "free"}, order=7), str | None)
assert_type(plainview.capture_exception(), str | None)
assert_type(plainview.capture_message("odd", "warning", fingerprint=["odd", "{{ default }}"], n=1), str | None)
assert_type(log.bind(component="cart"), plainview.Logger)
assert_type(log.unbind("component"), plainview.Logger)
assert_type(log.is_enabled_for("DEBUG"), bool)
get_logger().info("nameless")

with context(job_id="j-1", step=3):
    assert_type(plainview.fields(), dict[str, Any])
plainview.bind(user_id="u-1")
plainview.unbind("user_id")


with plainview.worker("encoder", interval=5, port=9500, queue="video") as worker:
    assert_type(worker, plainview.Worker)
    worker.beat(completed=1)
    assert_type(worker.port, int | None)
for number in plainview.progress([1, 2], total=2, name="numbers"):
    assert_type(number, int)


async def count(rows: AsyncIterator[str]) -> None:
    """What is gone over may come one by one."""
    async for row in plainview.progress(rows, name="rows"):
        assert_type(row, str)


@context(component="worker")
def within(number: int) -> str:
    """A decorated function keeps its type."""
    return str(number)


assert_type(within(1), str)

with plainview.span("render", pages=12) as span:
    assert_type(span, plainview.Span)
    span.set_attribute("engine", "pdf")
    span.add_event("cached", {"hit": True})


async def work() -> None:
    """Both work in coroutines."""
    async with context(batch_id="b-1"), plainview.span("step"):
        pass


@traced
def plain(number: int) -> str:
    """Decorated without arguments."""
    return str(number)


@traced(name="render", engine="pdf")
async def named(number: int) -> list[str]:
    """Decorated with arguments."""
    return [str(number)]


@traced
def steps() -> Iterator[int]:
    """A generator."""
    yield 1


@traced
async def later() -> AsyncIterator[int]:
    """An async generator."""
    yield 1


async def callers() -> None:
    """What `traced` decorates keeps its type."""
    assert_type(plain(1), str)
    assert_type(await named(1), list[str])
    assert_type(steps(), "Iterator[int]")
    assert_type(later(), "AsyncIterator[int]")


with plainview.job("render", id="j-1", queued=True, stall_after=60, quality="high") as job:
    assert_type(job, plainview.Operation)
    job.progress(1, total=2, step="mix")
    job.recover("frame 45", "state loaded", of=job)
    with job.item(0, job_id="j-2"):
        pass
    assert_type(job.detach(), str)

with plainview.agent("writer", stage="draft", project_id="p-1") as agent:
    assert_type(agent, plainview.Agent)
    with agent.iteration():
        agent.schema_violation("Review", ValueError("no score"))
    agent.outcome("accepted", success=True, score=7.5)


class Narrate(plainview.Engine):
    """An engine keeps the type of what it does."""

    name = "tts"

    def execute(self, text: str, *, voice: str = "alto") -> bytes:
        """Its own parameters."""
        self.progress(50, step=voice)
        return text.encode()


assert_type(Narrate().execute("hello"), bytes)
assert_type(plainview.engines.missing, tuple[str, ...])


@plainview.task("thumbnails")
def thumbnails(number: int) -> list[str]:
    """A decorated function keeps its type."""
    return [str(number)]


assert_type(thumbnails(1), list[str])
assert_type(plainview.resume("token"), plainview.Operation)

headers: dict[str, str] = {}
plainview.inject(headers)
plainview.set_level("DEBUG", "shop.db")
plainview.shutdown()
assert_type(plainview.__version__, str)

# What must not pass: each of these is an error that mypy has to find.
log.info()  # type: ignore[call-arg] # a message is needed
plainview.set_level(None)  # type: ignore[arg-type]
plainview.span()  # type: ignore[call-arg]
get_logger(1)  # type: ignore[arg-type]
