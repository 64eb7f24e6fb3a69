"""Events of made-up work: jobs with their stages and engines, a batch, agents, workers; as lines for ingest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from records import at, log

NOW_RUNNING = 3
QUEUED = 2
#: Type of job, how many of the last three hours completed, how many failed, how long one takes (s).
JOB_TYPES = (("render_book", 22, 3, 95.0), ("export_pdf", 40, 0, 12.5), ("send_letter", 9, 1, 1.25))
#: Jobs that nobody finished, that wait, that run, and the attempt that went on from the lost one.
JOBS = sum(done + failed for _, done, failed, _ in JOB_TYPES) + 1 + 1 + NOW_RUNNING + QUEUED
FAILED = sum(failed for _, _, failed, _ in JOB_TYPES)
#: Why books are not rendered; the first is the one that is shown most.
REASON = "RenderError: font 'Fell Pica' is missing"
#: Which ones of a type fail, of as many as do.
FAILING = (1, 12, 24)
STAGES = (("outline", 0.1), ("draft", 0.55), ("layout", 0.25), ("print", 0.1))
#: Seconds between heartbeats: so long that nobody changes while tests look at them.
INTERVAL = 600
ITEMS = 1000
FAILED_ITEMS = 12


class Works:
    """Three hours of work, ending now.

    Attributes:
        ids: of operations that tests look at, by what they are.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)
        self.lines: list[str] = []
        self.ids: dict[str, str] = {}
        self._number = 0
        self._jobs()
        self._lost_and_found()
        self._waiting()
        self._running()
        self._registry()
        self._batches()
        self._agents()
        self._workers()

    def _id(self, name: str = "") -> str:
        self._number += 1
        made = f"{self._number:016x}"
        if name:
            self.ids[name] = made
        return made

    def _event(self, moment: datetime, event: str, operation: dict[str, object], **members: object) -> None:
        line = {
            "timestamp": at(moment),
            "event": event,
            "service": "studio-worker",
            "environment": "production",
            "version": "1.4.2",
            "host": "worker-1",
            "pid": 52,
            **operation,
            **members,
        }
        self.lines.append(json.dumps(line))

    def _operation(
        self, kind: str, name: str, start: datetime, called: str = "", **members: object
    ) -> dict[str, object]:
        id_ = self._id(called)
        return {
            "operation_id": id_,
            "kind": kind,
            "name": name,
            "start_time_unix_nano": round(start.timestamp() * 1e6) * 1000,
            "span_id": id_,
            **members,
        }

    def _closed(self, operation: dict[str, object], start: datetime, seconds: float, **members: object) -> None:
        used = {"cpu_ms": seconds * 640, "memory_peak_bytes": 180 << 20, "memory_delta_bytes": 3 << 20}
        members = {"status": "completed", "duration_ms": seconds * 1000, **used, **members}
        self._event(start + timedelta(seconds=seconds), "close", operation, **members)

    def _jobs(self) -> None:
        for name, done, failed, seconds in JOB_TYPES:
            for number in range(done + failed):
                ago = 10_500 - number * (10_000 / (done + failed))
                start = self.now - timedelta(seconds=ago)
                took = seconds * (0.7 + (number * 7 % 11) / 12)
                fails = number in FAILING[:failed]
                self._job(name, f"{name}-{number}", start, took, fails=fails)

    def _job(self, name: str, key: str, start: datetime, took: float, *, fails: bool) -> None:
        trace = f"{self._number + 1:032x}"
        context = {"job_id": key, "trace_id": trace, "request_id": f"req-{key}"}
        first = fails and "failed" not in self.ids
        job = self._operation("job", name, start, "failed" if first else "", key=key, **context)
        if first:
            self.ids["failed key"] = key
        self._event(start - timedelta(seconds=took / 8), "create", {**job, "operation_id": self._id(), "span_id": None})
        self._event(
            start, "open", job, data={"configuration": {"quality": "high", "pages": 240}, "title": "Nine Quiet Rivers"}
        )
        self.lines.append(log(start, "INFO", f"job created: {name}", service="studio-worker", **context))
        moment = start
        for place, (stage, part) in enumerate(STAGES):
            seconds = took * part
            within = {"parent_id": job["operation_id"], **context}
            last = fails and place == 2
            self._stage(stage, moment, seconds, within, fails=last)
            if last:
                break
            moment += timedelta(seconds=seconds)
            for number in range(4):
                reached = {"done": place * 30 + number * 10, "total": 120, "step": stage}
                self._event(moment - timedelta(seconds=seconds * (4 - number) / 5), "progress", job, **reached)
            self._event(moment, "checkpoint", job, data={"stage": stage, "frame": place * 30 + 30})
        if fails:
            took *= 0.9
            error = {"error_type": "RenderError", "reason": REASON, "failed_in": f"stage {STAGES[2][0]}"}
            self._event(
                start + timedelta(seconds=took * 0.9), "retry", job, reason="the provider did not answer", attempt=2
            )
            self._closed(job, start, took, status="failed", done=70, total=120, **error)
            end = start + timedelta(seconds=took)
            self.lines.append(log(end, "ERROR", f"job failed: {name}", service="studio-worker", **context))
        else:
            self._closed(job, start, took, rows=240, done=120, total=120, data={"pages": 240})

    def _stage(self, name: str, start: datetime, seconds: float, within: dict[str, object], *, fails: bool) -> None:
        stage = self._operation("stage", name, start, **within)
        ends = {"status": "failed", "reason": REASON, "error_type": "RenderError"} if fails else {}
        self._closed(stage, start, seconds, **ends)
        engine = {"outline": "llm", "draft": "llm", "layout": "typesetter", "print": "pdf"}[name]
        inside = {**within, "parent_id": stage["operation_id"]}
        self._closed(self._operation("engine", engine, start, **inside), start, seconds * 0.9, **ends)

    def _lost_and_found(self) -> None:
        """A job whose process was killed, and the attempt that went on from its checkpoint."""
        key = "render_book-lost"
        start = self.now - timedelta(seconds=3000)
        lost = self._operation("job", "render_book", start, "abandoned", key=key, job_id=key)
        self._event(start, "open", lost, data={"title": "Salt & Signal"})
        for second in range(1, 46):
            reached = {"done": second, "total": 120, "step": "frames"}
            self._event(start + timedelta(seconds=second), "progress", lost, **reached)
        self._event(start + timedelta(seconds=45), "checkpoint", lost, data={"frame": 45, "path": "/srv/frames"})
        gone = start + timedelta(seconds=47)
        self._event(gone, "abandon", lost, status="abandoned", done=45, total=120, step="frames")
        start += timedelta(seconds=120)
        again = self._operation("job", "render_book", start, "recovered", key=key, job_id=key, attempt=2)
        self._event(start, "open", again, pid=77)
        found = {"recovery_point": "frame 45", "actions": ["state loaded"]}
        self._event(start, "recover", again, recovers=lost["operation_id"], data=found, pid=77)
        self._closed(again, start, 80.0, rows=240, recovers=lost["operation_id"], pid=77)

    def _waiting(self) -> None:
        for number in range(QUEUED):
            start = self.now - timedelta(seconds=20 + number * 9)
            key = f"export_pdf-waits-{number}"
            self._event(start, "create", self._operation("job", "export_pdf", start, key=key, job_id=key))

    def _running(self) -> None:
        for number in range(NOW_RUNNING):
            start = self.now - timedelta(seconds=110 - number * 30)
            key = f"render_book-now-{number}"
            called = "running" if number == 0 else ""
            job = self._operation("job", "render_book", start, called, key=key, job_id=key)
            self._event(start, "open", job, data={"title": "Übermorgen"})
            outline = self._operation("stage", "outline", start, parent_id=job["operation_id"], job_id=key)
            self._closed(outline, start, 15.0)
            known = {"total": 120} if number < NOW_RUNNING - 1 else {}
            self._event(self.now, "progress", job, done=54 - number * 20, step="frames", **known)
            self.lines.append(log(self.now, "INFO", "a frame is drawn", service="studio-worker", job_id=key))

    def _registry(self) -> None:
        """Which engines there should be; one of them has not been met yet."""
        registry = self._operation("registry", "engines", self.now)
        expected = {"expected": ["llm", "typesetter", "voice"], "missing": ["voice"]}
        self._event(self.now, "close", registry, status="completed", data=expected)

    def _batches(self) -> None:
        start = self.now - timedelta(seconds=5400)
        batch = self._operation("batch", "nightly", start, "batch", key="b-17", batch_id="b-17")
        self._event(start, "open", batch, data={"items": ITEMS}, total=ITEMS)
        self._event(start, "lock", batch, data={"configuration": {"model": "v2", "temperature": 0.2}})
        for number in range(FAILED_ITEMS):
            index = number * 80 + 3
            reached = {"done": index + 1, "total": ITEMS, "reason": "ValueError: no amount"}
            moment = start + timedelta(seconds=number * 40)
            self._event(
                moment, "item", batch, data={"index": index, "job_id": f"o-{index}", "status": "failed"}, **reached
            )
        counts = {"succeeded": ITEMS - FAILED_ITEMS, "failed": FAILED_ITEMS}
        self._closed(batch, start, 540.0, done=ITEMS, total=ITEMS, data=counts)
        start = self.now - timedelta(seconds=240)
        going = self._operation("batch", "nightly", start, key="b-18", batch_id="b-18")
        self._event(start, "open", going, total=ITEMS)
        self._event(self.now, "progress", going, done=412, total=ITEMS)

    def _agents(self) -> None:
        for number, role in enumerate(("writer", "critic", "writer", "illustrator")):
            start = self.now - timedelta(seconds=3600 - number * 300)
            agent = self._operation("agent", role, start, project_id="book-9")
            self._closed(agent, start, 40.0 + number, data={"iterations": number + 1, "outcome": "accepted"})
        start = self.now - timedelta(seconds=60)
        self._closed(self._operation("thumbnail", "cover", start), start, 2.0)
        self._closed(self._operation("task", "send_mail", start), start, 0.4)

    def _workers(self) -> None:
        def worker(name: str, pid: int, up: float, heard: float, **last: object) -> dict[str, object]:
            start = self.now - timedelta(seconds=up)
            one = self._operation("worker", name, start, name, key=f"worker-1:{pid}")
            beat = {"interval_seconds": INTERVAL}
            self._event(start, "open", one, pid=pid, data=beat)
            self._event(self.now - timedelta(seconds=heard), "heartbeat", one, pid=pid, data=beat)
            if last:
                self._event(self.now - timedelta(seconds=heard - 1), pid=pid, operation=one, **last)  # type: ignore[arg-type]
            return one

        busy = worker("encoder", 52, 9000, 2)
        start = self.now - timedelta(seconds=30)
        task = self._operation("task", "encode", start, parent_id=busy["operation_id"])
        self._event(start, "open", task)
        self._event(self.now, "progress", task, done=30, total=40, step="chapters")
        for number in range(5):
            begin = self.now - timedelta(seconds=600 - number * 60)
            ends = {"status": "failed", "reason": "OSError: no space left"} if number == 2 else {}
            self._closed(self._operation("task", "encode", begin, parent_id=busy["operation_id"]), begin, 20.0, **ends)
        worker("mixer", 53, 7000, 2.5 * INTERVAL)
        worker("mailer", 54, 7000, 5 * INTERVAL, event="abandon", status="abandoned")
        worker("indexer", 55, 7000, 1000, event="close", status="completed", duration_ms=6_000_000)
