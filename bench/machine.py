"""What the figures were taken on, and with which versions."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

__all__ = ["describe", "versions"]

_PACKAGES: Final = (
    "plainview", "msgspec", "structlog", "orjson", "python-json-logger", "loguru", "picologging", "logfire",
    "opentelemetry-sdk", "opentelemetry-instrumentation-fastapi", "fastapi", "starlette", "sentry-sdk", "duckdb",
)  # fmt: skip


def describe(folder: Path) -> dict[str, str]:
    """Processor, system, interpreter, the file system that is written to, and what the machine does besides."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {sys.version.split()[0]}",
        "file system": _file_system(folder),
        "load": f"load {os.getloadavg()[0]:.1f} before",
    }


def versions() -> dict[str, str]:
    """The versions of everything that takes part and is installed."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the mount that a folder is on; empty where the system does not tell."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    holding = [(point, kind) for point, kind in mounts if folder.resolve().is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0]))[1] if holding else ""
