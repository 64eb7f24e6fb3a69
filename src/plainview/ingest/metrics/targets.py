"""What is to be scraped: ``scrape_configs`` as Prometheus has them, as far as they are understood here.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlencode

import msgspec
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["BadScrapeConfig", "Target", "targets"]

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_DURATION: Final = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_PART: Final = re.compile(r"(\d+)(ms|[smhdwy])")
_INTERVAL, _TIMEOUT = "1m", "10s"


class BadScrapeConfig(ValueError):  # noqa: N818 - it is the file that is bad
    """The file cannot be used; the message names the place and what it takes."""


class _Authorization(msgspec.Struct, forbid_unknown_fields=True):
    type: str = "Bearer"
    credentials: str = ""
    credentials_file: str = ""


class _BasicAuth(msgspec.Struct, forbid_unknown_fields=True):
    username: str = ""
    password: str = ""
    password_file: str = ""


class _Static(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str]
    labels: dict[str, str] = {}


class _Job(msgspec.Struct, forbid_unknown_fields=True):
    job_name: str
    static_configs: list[_Static] = []
    scrape_interval: str = ""
    scrape_timeout: str = ""
    metrics_path: str = "/metrics"
    scheme: Literal["http", "https"] = "http"
    params: dict[str, list[str]] = {}
    honor_labels: bool = False
    honor_timestamps: bool = True
    authorization: _Authorization | None = None
    basic_auth: _BasicAuth | None = None


class _Global(msgspec.Struct):
    scrape_interval: str = _INTERVAL
    scrape_timeout: str = _TIMEOUT


class _File(msgspec.Struct):
    # What else a Prometheus's file has (rules, alerting …) is for a Prometheus.
    scrape_configs: list[_Job]
    global_: _Global = msgspec.field(name="global", default_factory=_Global)


@dataclass(frozen=True, slots=True)
class Target:
    """One address to scrape.

    Attributes:
        url: where.
        labels: ``job``, ``instance``, and those of the file.
        interval: seconds between two scrapes.
        timeout: seconds that one may take.
        honor_labels: labels of the target win over these.
        honor_timestamps: times of the target's own are taken.
        headers: of the request.
    """

    url: str
    labels: dict[str, str]
    interval: float
    timeout: float
    honor_labels: bool
    honor_timestamps: bool
    headers: dict[str, str]


def targets(path: Path) -> list[Target]:
    """The targets of a file.

    Raises:
        BadScrapeConfig: it cannot be read, or has something in it that is not understood here.
    """
    try:
        content = yaml.safe_load(path.read_bytes())
        file = msgspec.convert(content, _File)
        return [target for job in file.scrape_configs for target in _of(job, file.global_, path.parent)]
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise BadScrapeConfig(msg) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"{path} is no YAML: {error}"
        raise BadScrapeConfig(msg) from None
    except msgspec.ValidationError as error:
        msg = f"{path}: {error}"
        raise BadScrapeConfig(msg) from None


def _of(job: _Job, usual: _Global, folder: Path) -> Iterator[Target]:
    interval = _seconds(job.scrape_interval or usual.scrape_interval)
    timeout = min(interval, _seconds(job.scrape_timeout or usual.scrape_timeout))
    query = f"?{urlencode(job.params, doseq=True)}" if job.params else ""
    headers = _headers(job, folder)
    for group in job.static_configs:
        for address in group.targets:
            if not re.fullmatch(r"[^\s/?#@]+", address):
                msg = f"{job.job_name}: {address!r} is no host:port"
                raise BadScrapeConfig(msg)
            path = job.metrics_path if job.metrics_path.startswith("/") else f"/{job.metrics_path}"
            labels = {"job": job.job_name, "instance": address} | group.labels
            url = f"{job.scheme}://{address}{path}{query}"
            yield Target(url, labels, interval, timeout, job.honor_labels, job.honor_timestamps, headers)


def _headers(job: _Job, folder: Path) -> dict[str, str]:
    if job.authorization is not None:
        secret = job.authorization.credentials or _secret(folder, job.authorization.credentials_file)
        return {"Authorization": f"{job.authorization.type} {secret}"}
    if job.basic_auth is not None:
        secret = job.basic_auth.password or _secret(folder, job.basic_auth.password_file)
        pair = base64.b64encode(f"{job.basic_auth.username}:{secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}


def _secret(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8").strip() if name else ""


def _seconds(text: Any) -> float:  # noqa: ANN401 - as the file has it
    if not _DURATION.fullmatch(text):
        msg = f"{text!r} is no duration such as 15s or 1m30s"
        raise BadScrapeConfig(msg)
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds <= 0:
        msg = f"{text!r}: must be longer than nothing"
        raise BadScrapeConfig(msg)
    return float(seconds)
