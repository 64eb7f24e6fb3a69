"""Every setting: name, environment variable, default, one line of what it does.

A setting ``some_name`` is read from ``PLAINVIEW_SOME_NAME``; what ``configure(...)`` is given wins over the
environment, the environment over the profile, the profile over the default.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "PREFIX",
    "PROFILES",
    "QUIET_LOGGERS",
    "SECRETS",
    "Settings",
    "SettingsError",
    "descriptions",
    "environment_name",
    "load",
]

PREFIX: Final = "PLAINVIEW_"
#: Settings whose values are never shown.
SECRETS: Final = frozenset({"token", "sentry_dsn"})

#: What each environment changes of the defaults. An environment of another name behaves as production.
PROFILES: Final[dict[str, dict[str, Any]]] = {
    "development": {"level": "DEBUG", "console": "pretty"},
    "testing": {"level": "INFO", "console": "json"},
    "production": {"level": "INFO", "console": "off", "file": "{dir}/logs/{service}.log"},
}

#: Loggers of libraries that say more than most people want, and the least level kept of each.
QUIET_LOGGERS: Final[dict[str, str]] = {
    "asyncio": "WARNING",
    "aiosqlite": "WARNING",
    "boto3": "WARNING",
    "botocore": "WARNING",
    "charset_normalizer": "WARNING",
    "gunicorn.access": "WARNING",
    "h2": "WARNING",
    "hpack": "WARNING",
    "httpcore": "WARNING",
    "httpx": "WARNING",
    "matplotlib": "WARNING",
    "PIL": "WARNING",
    "python_multipart": "WARNING",
    "s3transfer": "WARNING",
    "sqlalchemy": "WARNING",
    "urllib3": "WARNING",
    "uvicorn.access": "WARNING",
    "werkzeug": "WARNING",
}


class SettingsError(ValueError):
    """A setting has a value that it cannot take; the message names it and says what it takes."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force. See ``docs/reference/settings.md`` for the table."""

    service: Annotated[str, Meta(description="Name of the application; stamped on every record.")] = ""
    environment: Annotated[
        str, Meta(description="development, testing, production or a name of yours; chooses the profile.")
    ] = "development"
    version: Annotated[str, Meta(description="Version of the application; stamped on every record.")] = ""
    dir: Annotated[str, Meta(description="Folder of the spool and the store.")] = ".plainview"
    enabled: Annotated[bool, Meta(description="false turns capture off altogether.")] = True

    level: Annotated[str, Meta(description="Least level that is kept.")] = "INFO"
    levels: Annotated[
        dict[str, str],
        Meta(description="Least level per logger, as `name=LEVEL,name=LEVEL`; a logger's children follow it."),
    ] = {}
    quiet: Annotated[
        bool, Meta(description="Keep only warnings of libraries known to be noisy (boto3, urllib3 …).")
    ] = True
    capture_logging: Annotated[bool, Meta(description="Capture the standard `logging` module.")] = True
    forward_logging: Annotated[
        bool, Meta(description="Hand native records on to the handlers of `logging` as well.")
    ] = False
    capture_warnings: Annotated[bool, Meta(description="Capture `warnings.warn` as records of `py.warnings`.")] = True
    capture_errors: Annotated[
        bool, Meta(description="Make an error of each exception that is logged, not handled or given to us.")
    ] = True
    error_level: Annotated[
        str, Meta(description="Least level of a log line that makes an error of the exception it carries.")
    ] = "WARNING"
    capture_error_logs: Annotated[
        bool, Meta(description="Make errors of log lines from ERROR up that carry no exception, too.")
    ] = False
    error_locals: Annotated[
        bool, Meta(description="Keep local variables of each frame: plain values, scrubbed and bounded.")
    ] = False
    source_context: Annotated[
        int, Meta(ge=0, le=20, description="Source lines kept before and after each frame's own; 0: none at all.")
    ] = 5
    error_burst: Annotated[
        int,
        Meta(ge=0, description="Errors of one type and place kept whole a minute; then one a second, with a count."),
    ] = 100

    console: Annotated[
        Literal["pretty", "json", "off"], Meta(description="What goes to the terminal (standard error).")
    ] = "off"
    file: Annotated[
        str, Meta(description="Also write JSON lines to this rotating file; `{dir}` and `{service}` are filled in.")
    ] = ""
    file_max_bytes: Annotated[int, Meta(ge=4096, description="Size at which the file is rotated, bytes.")] = 10 << 20
    file_backups: Annotated[int, Meta(ge=0, description="How many rotated files are kept.")] = 10
    otlp_endpoint: Annotated[
        str, Meta(description="Also send logs and spans to this OTLP/HTTP endpoint, e.g. http://localhost:4318.")
    ] = ""
    loki_url: Annotated[str, Meta(description="Also push logs to this Loki, e.g. http://localhost:3100.")] = ""
    webhook_url: Annotated[str, Meta(description="Also POST log lines (NDJSON) to this URL.")] = ""
    sentry_dsn: Annotated[str, Meta(description="Also send errors to this Sentry DSN, as events. Never logged.")] = ""

    endpoint: Annotated[
        str, Meta(description="URL of a Plainview server on another machine; segments are shipped there.")
    ] = ""
    token: Annotated[str, Meta(description="Token for that server. Never logged.")] = ""
    server: Annotated[
        Literal["auto", "off"], Meta(description="auto: `plainview run` starts a server when none is running.")
    ] = "auto"
    host: Annotated[str, Meta(description="Address that `plainview serve` listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port that `plainview serve` listens on; 0: any.")] = 7070

    retention_days: Annotated[
        float, Meta(ge=0, description="Age after which the server removes records, days; 0: never.")
    ] = 30.0
    metrics_retention_days: Annotated[
        float, Meta(ge=0, description="Age after which the server removes samples of metrics, days; 0: never.")
    ] = 90.0
    scrape_config: Annotated[
        str, Meta(description="File with `scrape_configs`, as Prometheus has them: what `plainview serve` scrapes.")
    ] = ""

    state_url: Annotated[
        str, Meta(description="Database of issues and keys, as `postgresql+psycopg://…`; empty: a file in `dir`.")
    ] = ""
    error_rules: Annotated[
        str, Meta(description="TOML file with your rules on how the server groups errors and names their category.")
    ] = ""
    critical_components: Annotated[
        tuple[str, ...],
        Meta(description="Components whose errors are told of as CRITICAL, globs, separated by commas."),
    ] = ()
    error_threshold: Annotated[
        int, Meta(ge=0, description="Occurrences of one error from which on it is told of as too many; 0: never.")
    ] = 1000
    issue_retention_days: Annotated[
        float, Meta(ge=0, description="Days since its last occurrence after which an issue goes; 0: never.")
    ] = 365.0

    segment_bytes: Annotated[
        int, Meta(ge=65536, le=1 << 30, description="Largest size of one spool segment, bytes.")
    ] = 8 << 20
    spool_max_bytes: Annotated[
        int, Meta(ge=1 << 20, description="Most that this process's spool may hold before the oldest is dropped.")
    ] = 1 << 30
    spool_max_age_hours: Annotated[
        float, Meta(gt=0, description="Age after which segments that no server collected are dropped, hours.")
    ] = 168.0
    spool_memory_bytes: Annotated[
        int, Meta(ge=65536, description="Memory used instead while the spool's disk cannot be written, bytes.")
    ] = 4 << 20
    when_full: Annotated[
        Literal["write", "drop"],
        Meta(description="A full segment with no next one ready: `write` makes the caller open it, `drop` counts."),
    ] = "write"

    max_string: Annotated[int, Meta(ge=64, description="Longest string kept in a field, characters.")] = 16_384
    max_depth: Annotated[int, Meta(ge=2, le=64, description="Deepest nesting kept in a field.")] = 12
    max_items: Annotated[int, Meta(ge=8, description="Most items kept of a list or mapping in a field.")] = 256
    max_line: Annotated[int, Meta(ge=1024, description="Longest line, bytes; longer ones lose their fields.")] = 262_144

    scrub: Annotated[bool, Meta(description="Hide secrets and personal data before anything is written.")] = True
    scrub_keys: Annotated[tuple[str, ...], Meta(description="Further key names to hide, separated by commas.")] = ()
    scrub_keep: Annotated[tuple[str, ...], Meta(description="Key names never to hide, separated by commas.")] = ()
    scrub_patterns: Annotated[
        tuple[str, ...], Meta(description="Further regular expressions whose matches are hidden in text.")
    ] = ()
    scrub_emails: Annotated[bool, Meta(description="Hide e-mail addresses too.")] = False

    sample: Annotated[
        dict[str, float],
        Meta(description="Share of records kept per level or logger, as `DEBUG=0.1,noisy.lib=0.5`."),
    ] = {}
    rate_limit: Annotated[
        float, Meta(ge=0, description="Most records a second per logger and message; 0: no limit.")
    ] = 0.0
    low_resource: Annotated[
        bool, Meta(description="Turn the heavy parts off: DEBUG, source lines, most ordinary traces.")
    ] = False

    trace_sample: Annotated[
        float, Meta(ge=0, le=1, description="Share of traces recorded, decided at the root (parent-based).")
    ] = 1.0
    trace_tail: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share of ordinary traces kept once they ended; those with errors or slow are always kept.",
        ),
    ] = 1.0
    trace_slow_ms: Annotated[
        float, Meta(ge=0, description="A trace this slow is always kept by the tail sampler, ms.")
    ] = 1000.0

    metrics_interval: Annotated[
        float, Meta(ge=0.05, description="Time between two snapshots of the metrics, seconds.")
    ] = 15.0
    metrics_max_series: Annotated[
        int, Meta(ge=1, description="Most series of one metric; what is beyond is counted in one series together.")
    ] = 1000
    metrics_path: Annotated[
        str,
        Meta(
            pattern="^(/.*)?$",
            description="Path at which every application that is captured answers with its metrics, e.g. /metrics.",
        ),
    ] = ""
    metrics_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Port for `/metrics` and `/health/live` of a program without a web server; 0: none.",
        ),
    ] = 0
    metrics_host: Annotated[str, Meta(description="Address of that port.")] = "127.0.0.1"
    http_metrics_prefix: Annotated[
        str,
        Meta(
            pattern="^([A-Za-z_][A-Za-z0-9_]*)?$",
            description="First word of the metrics of requests (`http_requests_total` …); empty: none are made.",
        ),
    ] = "http"
    resources: Annotated[
        bool, Meta(description="Measure memory, processor, files, threads, network of the process and its host.")
    ] = True
    resource_paths: Annotated[
        tuple[str, ...], Meta(description="Paths whose file systems are measured, separated by commas.")
    ] = ("/",)

    progress: Annotated[
        Literal["auto", "bars", "lines", "off"],
        Meta(description="How progress is shown on standard error; auto: bars on a terminal, else plain lines."),
    ] = "auto"
    progress_interval: Annotated[float, Meta(ge=0.1, description="Time between two lines of progress, seconds.")] = 5.0
    heartbeat_interval: Annotated[
        float, Meta(ge=0.1, description="Time between two heartbeats of a worker, seconds.")
    ] = 15.0

    runs_dir: Annotated[
        str,
        Meta(
            description="Folder of the runs' summaries, `<run_id>/summary.json`; empty: none are written. `{dir}` and "
            "`{service}` are filled in."
        ),
    ] = "artifacts/runs"
    run_summary: Annotated[
        Literal["stderr", "stdout", "off"], Meta(description="Where the summary of a run is printed at its end.")
    ] = "stderr"


def environment_name(name: str) -> str:
    """Environment variable of a setting: ``level`` → ``PLAINVIEW_LEVEL``."""
    return PREFIX + name.upper()


def descriptions() -> dict[str, str]:
    """Every setting with its line of what it does, in the order of declaration."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hints[name].__metadata__[0].description for name in Settings.__struct_fields__}


def _pairs(name: str, text: str) -> dict[str, str]:
    result = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, separator, value = part.partition("=")
        if not separator or not key.strip() or not value.strip():
            msg = f"{environment_name(name)}={text!r}: {part!r} is not of the form name=value"
            raise SettingsError(msg)
        result[key.strip()] = value.strip()
    return result


_MAPPINGS: Final = frozenset({"levels", "sample"})
_LISTS: Final = frozenset({"critical_components", "resource_paths", "scrub_keys", "scrub_keep", "scrub_patterns"})


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in Settings.__struct_fields__:
        text = environ.get(environment_name(name))
        if text is None or text == "":
            continue
        if name in _MAPPINGS:
            found[name] = _pairs(name, text)
        elif name in _LISTS:
            found[name] = [part.strip() for part in text.split(",") if part.strip()]
        else:
            found[name] = text
    return found


def _default_service(environ: Mapping[str, str]) -> str:
    named = environ.get("OTEL_SERVICE_NAME")
    if named:
        return named
    folder, program = os.path.split(sys.argv[0] if sys.argv and sys.argv[0] else "python")
    name = os.path.basename(folder) if program == "__main__.py" else os.path.splitext(program)[0]
    return name or "python"


def load(environ: Mapping[str, str] | None = None, /, **given: Any) -> Settings:  # noqa: ANN401 - one value per setting
    """Settings from what the code gives, the environment, the profile and the defaults, in that order.

    Args:
        environ: variables to read; ``os.environ`` when left out.
        given: settings by name; ``None`` means "not given".

    Raises:
        SettingsError: a value does not fit; the message names the setting and what it takes.
    """
    environ = os.environ if environ is None else environ
    chosen = _from_environment(environ) | {name: value for name, value in given.items() if value is not None}
    unknown = sorted(set(chosen) - set(Settings.__struct_fields__))
    if unknown:
        msg = f"unknown setting {unknown[0]!r}: see `plainview doctor --settings` for the list"
        raise SettingsError(msg)
    environment = str(chosen.get("environment") or "development")
    values = PROFILES.get(environment, PROFILES["production"]) | chosen
    values["service"] = values.get("service") or _default_service(environ)
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        name = re.match(r"\w*", place)[0]  # type: ignore[index] # matches the empty string at least
        shown = "" if name in SECRETS else f"={values.get(name)!r}"
        msg = f"{environment_name(name)}{shown}: {reason}"
        raise SettingsError(msg) from None
