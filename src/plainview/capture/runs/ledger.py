"""What a run was given, was told and has used: all that its summary is made of at the end."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.capture.runs.check import shown
from plainview.capture.runs.environment import environment
from plainview.capture.runs.parameters import parameters
from plainview.capture.runs.summary import (
    CheckResult,
    Configuration,
    ExecutionSummary,
    Resources,
    ResourceSample,
    Saved,
    shortened,
    stamp,
)
from plainview.capture.runs.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.capture.operations.usage import Sample
    from plainview.capture.recorder import Recorder
    from plainview.capture.runs.check import Result
    from plainview.capture.runs.run import Run
    from plainview.capture.runs.summary import RunSummary

__all__ = ["Ledger"]

#: Checks, and files of each sort, that are kept.
_MOST: Final = 1_000
#: Samples that are kept; beyond it every other one goes.
_MOST_SAMPLES: Final = 240
#: Bytes of all parameters together, as JSON.
_PARAMETER_BYTES: Final = 64 << 10
#: Bytes of the summary in the record, and what else stands in its line.
_SUMMARY_BYTES: Final = 224 << 10
_LINE_BYTES: Final = 4 << 10


class Ledger:
    """Kept from a run's beginning to its end; may be written from any thread.

    Args:
        recorder: bounds and scrubs.
        given: the parameters.
    """

    def __init__(self, recorder: Recorder, given: object) -> None:
        self.recorder: Final = recorder
        self.tally: Final = Tally(recorder.encoding)
        self.parameters: Final = self._parameters(given)
        self.environment: Final = self._environment()
        self._counts: Final[dict[str, int]] = {}
        self._checks: Final[list[CheckResult]] = []
        self._files: Final[dict[str, list[Saved]]] = {"artifact": [], "backup": []}
        self._samples: list[ResourceSample] = []
        self._began: Final = time.perf_counter()

    def _parameters(self, given: object) -> dict[str, Any]:
        kept, room = self._kept(parameters(given)), _PARAMETER_BYTES
        for name, value in kept.items():
            size = len(msgspec.json.encode(value))
            if size > room:
                kept[name] = f"[{size} bytes left out]"
            else:
                room -= size
        return kept

    def _environment(self) -> dict[str, Any]:
        try:
            found = environment(self.recorder.encoding.scrubber)
            packages = found.pop("packages")  # more than a field's value may have
            return self._kept(found) | {"packages": packages}
        except Exception as error:  # noqa: BLE001 - a run without it is better than none
            self.recorder.spool.failed(error)
            return {}

    def _kept(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Fields as they may be written: bounded, scrubbed, of plain types."""
        found: dict[str, Any] = msgspec.json.decode(self.recorder.encoding.fields(fields))
        return found

    def opening(self) -> bytes:
        """What the record of the run's beginning has with it."""
        return msgspec.json.encode({"parameters": self.parameters, "environment": self.environment})

    def closing(self, summary: RunSummary) -> bytes:
        """What the record of its end has with it."""
        most = min(_SUMMARY_BYTES, self.recorder.max_line - _LINE_BYTES)
        return b'{"summary":%b}' % shortened(summary, most)

    def check(
        self, name: str, value: object, thresholds: Mapping[str, Any], result: Result, fields: Mapping[str, Any]
    ) -> CheckResult:
        """Note a check; returns it as it is kept."""
        encoding = self.recorder.encoding
        check = CheckResult(
            timestamp=stamp(time.time_ns()),
            name=encoding.text(name),
            value=shown(value, encoding),
            thresholds={key: shown(bound, encoding) for key, bound in thresholds.items()},
            result=result,
            fields=self._kept(fields),
        )
        self._counts[result] = self._counts.get(result, 0) + 1
        if len(self._checks) < _MOST:
            self._checks.append(check)
        return check

    def saved(self, kind: str, path: object) -> Saved:
        """Note an ``artifact`` or a ``backup``; returns it as it is kept.

        Raises:
            TypeError: that is no path.
            ValueError: it cannot be one.
        """
        whole = os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type] # whatever was given in fact
        size = None
        try:
            found = os.stat(whole)
            size = found.st_size if stat.S_ISREG(found.st_mode) else _below(whole)
        except OSError:
            pass
        file = Saved(path=self.recorder.encoding.text(whole), bytes=size)
        files = self._files[kind]
        if len(files) < _MOST:
            files.append(file)
        return file

    def sampled(self, sample: Sample) -> None:
        """Note what the process uses."""
        elapsed = round(time.perf_counter() - self._began, 3)
        self._samples.append(ResourceSample(seconds=elapsed, **sample._asdict()))
        if len(self._samples) > _MOST_SAMPLES:
            self._samples = self._samples[::2]

    def members(self, run: Run, error: BaseException | None, reason: str) -> dict[str, Any]:
        """The members of the summary, all but ``run_metadata``, of a run whose figures are known by now."""
        seconds = max(run.duration_ns, 1) / 1e9
        tally, artifacts, backups = self.tally, self._files["artifact"], self._files["backup"]
        failed = run.status == "failed"
        return {
            "execution_summary": ExecutionSummary(
                errors=tally.errors,
                warnings=tally.warnings,
                backup_created=backups[-1].path if backups else None,
                rows=run.row_count,
                rows_per_second=None if run.row_count is None else round(run.row_count / seconds, 3),
                checks=dict(self._counts),
                first_failure=tally.first_failure(error, tally.failure(run, error)) if failed else None,
                reason=reason,
                artifacts=list(artifacts),
                backups=list(backups),
                results=self._kept(run.results),
            ),
            "performance_metrics": tally.figures(run.duration_ns),
            "resources": Resources(
                cpu_seconds=run.cpu_ns / 1e9,
                cpu_percent=round(run.cpu_ns / 1e7 / seconds, 1),
                memory_peak_bytes=run.memory_peak,
                memory_delta_bytes=run.memory_delta,
                samples=list(self._samples),
            ),
            "data_quality": list(self._checks),
            "issues": tally.issues(),
            "configuration": Configuration(parameters=self.parameters, environment=self.environment),
        }


def _below(folder: str) -> int:
    """Bytes of the files of a folder, not of those below it."""
    with os.scandir(folder) as entries:
        return sum(entry.stat().st_size for entry in entries if entry.is_file())
