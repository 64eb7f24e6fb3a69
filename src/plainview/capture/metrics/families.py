"""The metrics that have a name before anybody declares one: the one table, and `metric` to use them.

What Plainview measures by itself takes its names from here, and an application that counts its jobs, its predictions or
its payments finds the name, the labels and the buckets ready: ``plainview.metric("payments_total")``. A family costs
nothing, and is in no exposition, before it is first used. ``docs/reference/metrics.md`` is written from this table.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from plainview.capture.metrics.instruments import Instrument, counter, gauge, histogram
from plainview.capture.metrics.registry import REGISTRY

__all__ = [
    "BOUNDS",
    "EVERY",
    "GROUPS",
    "HTTP",
    "Family",
    "HttpStyle",
    "feed",
    "http_families",
    "http_style",
    "metric",
]

#: Upper bounds of the classic buckets, by what is measured. Percentiles do not depend on them: they come from the
#: exponential buckets.
BOUNDS: Final[dict[str, tuple[float, ...]]] = {
    "latency": (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    "work": (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200),
    "bytes": (100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000),
    "score": (0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2.5, 5, 7.5, 10, 25, 50, 75, 90, 100),
}


class Family(NamedTuple):
    """A metric that is known by name.

    Args:
        name: of the metric; in the table of HTTP what follows the prefix.
        kind: ``counter``, ``gauge`` or ``histogram``.
        labels: names of its labels.
        description: one line of help.
        fed_by: what gives it its values; empty: the application does.
        aggregation: what the gauges of several processes make together.
        bounds: key of `BOUNDS`.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    description: str
    fed_by: str = ""
    aggregation: Literal["sum", "max", "min", "mean", "last"] = "sum"
    bounds: str = "latency"

    @property
    def unit(self) -> str:
        """The unit, as the name has it: ``seconds``, ``bytes``, ``percent`` …; empty where it is a plain number."""
        parts = self.name.removesuffix("_total").split("_")
        return next((unit for unit in _UNITS if unit in parts[-1:]), "")


_UNITS: Final = ("seconds", "bytes", "percent", "usd")

_SERVED: Final = "ASGI and WSGI middleware"
#: The family of HTTP, without its prefix. ``{route}`` and ``{status}`` are labels whose names go with the prefix.
HTTP: Final = (
    Family("requests_total", "counter", ("method", "{route}", "{status}"), "Requests answered.", _SERVED),
    Family(
        "request_duration_seconds", "histogram", ("method", "{route}"), "From the request to its last byte.", _SERVED
    ),
    Family("{in_progress}", "gauge", ("method", "{route}"), "Requests being served now.", _SERVED),
    Family(
        "request_size_bytes",
        "histogram",
        ("method", "{route}"),
        "Size of a request's body, if any.",
        _SERVED,
        bounds="bytes",
    ),
    Family(
        "response_size_bytes",
        "histogram",
        ("method", "{route}"),
        "Size of an answer's body, if any.",
        _SERVED,
        bounds="bytes",
    ),
)


class HttpStyle(NamedTuple):
    """The words of the family of HTTP that differ from house to house."""

    route: str
    status: str
    in_progress: str = "requests_in_progress"


#: Prefix → its words; any other prefix goes by those of `_OTHER`, which prometheus-fastapi-instrumentator uses.
HTTP_STYLES: Final = {"http": HttpStyle("endpoint", "status_code"), "api": HttpStyle("path", "status")}
_OTHER: Final = HttpStyle("endpoint", "status", "requests_inprogress")

_CLIENTS: Final = "httpx, requests"
_CELERY: Final = "Celery"
_JOBS, _STAGES, _ENGINES, _BATCHES, _RUNS = "`job`", "`stage`", "`engine`", "`batch`", "`run`"
_AGENTS: Final = "`agent`"
_WORKERS: Final = "`worker`"
_POOLS: Final = "SQLAlchemy's pools"
_PROCESS: Final = "resources, each process"
_HOST: Final = "resources, one process for the host"
_LOOP: Final = "resources, each event loop"

#: Title → its families, in the order of the reference.
GROUPS: Final[dict[str, tuple[Family, ...]]] = {
    "HTTP clients": (
        Family("http_client_requests_total", "counter", ("method", "host", "status"), "Calls made.", _CLIENTS),
        Family("http_client_request_duration_seconds", "histogram", ("method", "host"), "Until the answer.", _CLIENTS),
    ),
    "Jobs": (
        Family("jobs_created_total", "counter", ("job_type",), "Jobs created.", _JOBS),
        Family("jobs_completed_total", "counter", ("job_type", "status"), "Jobs that ended, well or not.", _JOBS),
        Family("jobs_in_progress", "gauge", ("job_type",), "Jobs that run now.", _JOBS),
        Family(
            "job_duration_seconds", "histogram", ("job_type",), "From a job's start to its end.", _JOBS, bounds="work"
        ),
        Family(
            "job_stage_duration_seconds",
            "histogram",
            ("job_type", "stage"),
            "Of a job's stage.",
            _STAGES,
            bounds="work",
        ),
    ),
    "Engines": (
        Family("engine_executions_total", "counter", ("engine_name", "status"), "Executions that ended.", _ENGINES),
        Family("engine_duration_seconds", "histogram", ("engine_name",), "Of one execution.", _ENGINES, bounds="work"),
        Family("engine_retries_total", "counter", ("engine_name",), "Attempts after the first.", _ENGINES),
        Family(
            "engine_registered",
            "gauge",
            ("engine_name",),
            "1: there is such an engine; 0: it is missing.",
            "`engines`",
            "max",
        ),
    ),
    "Batches": (
        Family("batches_created_total", "counter", (), "Batches created.", _BATCHES),
        Family("batches_completed_total", "counter", ("status",), "Batches that ended, well or not.", _BATCHES),
        Family("batch_items_processed_total", "counter", ("status",), "Items processed.", _BATCHES),
        Family("batch_duration_seconds", "histogram", (), "From a batch's start to its end.", _BATCHES, bounds="work"),
    ),
    "Runs": (
        Family("runs_completed_total", "counter", ("run", "status"), "Runs that ended, well or not.", _RUNS),
        Family("runs_in_progress", "gauge", ("run",), "Runs that go on now.", _RUNS),
        Family("run_duration_seconds", "histogram", ("run",), "From a run's start to its end.", _RUNS, bounds="work"),
    ),
    "Workers": (
        Family(
            "worker_heartbeat_timestamp",
            "gauge",
            ("worker",),
            "Time of the latest heartbeat, seconds since 1970.",
            _WORKERS,
            "min",
        ),
    ),
    "Agents": (
        Family("agent_runs_total", "counter", ("agent_role", "status"), "Agents that ended, well or not.", _AGENTS),
        Family("agents_in_progress", "gauge", ("agent_role",), "Agents at work now.", _AGENTS),
        Family(
            "agent_duration_seconds",
            "histogram",
            ("agent_role",),
            "From an agent's start to its end.",
            _AGENTS,
            bounds="work",
        ),
        Family("agent_iterations_total", "counter", ("agent_role",), "Rounds of agents.", _AGENTS),
        Family("agent_retries_total", "counter", ("agent_role",), "Attempts after the first.", _AGENTS),
        Family(
            "agent_schema_violations_total",
            "counter",
            ("agent_role", "schema"),
            "Answers of another form than asked.",
            _AGENTS,
        ),
    ),
    "Operations": (
        Family("operations_stalled_total", "counter", ("kind", "name"), "Found without progress.", "`stall_after`"),
    ),
    "Quality": (
        Family("content_quality_score", "histogram", ("content_type",), "Scores of content.", bounds="score"),
        Family("hook_effectiveness_score", "histogram", ("hook_style",), "Scores of hooks.", bounds="score"),
        Family("thumbnail_ctr_score", "histogram", ("style_preset",), "Scores of thumbnails.", bounds="score"),
        Family("pacing_quality_score", "histogram", ("pacing_preset",), "Scores of pacing.", bounds="score"),
    ),
    "Database": (
        Family("database_queries_total", "counter", ("operation", "table"), "Queries executed."),
        Family("database_query_duration_seconds", "histogram", ("operation", "table"), "Of one query."),
        Family("database_connections", "gauge", (), "Connections open, in use or not.", _POOLS),
        Family("database_connections_active", "gauge", (), "Connections in use.", _POOLS),
        Family("database_connections_idle", "gauge", (), "Connections that wait in a pool.", _POOLS),
        Family("db_connections_active", "gauge", (), "The same as database_connections_active.", _POOLS),
        Family("db_connections_idle", "gauge", (), "The same as database_connections_idle.", _POOLS),
    ),
    "Redis": (
        Family("redis_operations_total", "counter", ("operation",), "Operations executed."),
        Family("redis_operation_duration_seconds", "histogram", ("operation",), "Of one operation."),
        Family("redis_cache_hits_total", "counter", ("cache_type",), "Look-ups that found something."),
        Family("redis_cache_misses_total", "counter", ("cache_type",), "Look-ups that found nothing."),
    ),
    "Celery": (
        Family("celery_tasks_total", "counter", ("task_name", "status"), "Tasks that ended or are retried.", _CELERY),
        Family("celery_task_duration_seconds", "histogram", ("task_name",), "Of one run.", _CELERY, bounds="work"),
        Family("celery_queue_length", "gauge", ("queue",), "Messages that wait.", _CELERY, "max"),
        Family("celery_workers_active", "gauge", ("queue",), "Workers that consume a queue.", _CELERY),
    ),
    "Machine learning": (
        Family("ml_predictions_total", "counter", ("model", "status"), "Predictions made."),
        Family("ml_prediction_duration_seconds", "histogram", ("model",), "Of one prediction."),
        Family("ml_cache_hit_rate", "gauge", (), "Share of predictions found in a cache, 0 to 1.", aggregation="mean"),
    ),
    "Business": (
        Family("users_registered_total", "counter", (), "Users registered."),
        Family("users_active", "gauge", (), "Users active now.", aggregation="last"),
        Family("videos_uploaded_total", "counter", (), "Videos uploaded."),
        Family("videos_total", "gauge", ("status",), "Videos there are.", aggregation="last"),
        Family("posts_created_total", "counter", (), "Posts created."),
        Family("comments_created_total", "counter", (), "Comments created."),
        Family("live_streams_active", "gauge", (), "Streams that are live now."),
        Family("payments_total", "counter", ("type", "status"), "Payments."),
        Family("revenue_total_usd", "counter", ("type",), "Revenue in US dollars."),
        Family("uploads_total", "counter", ("type", "status"), "Files uploaded."),
        Family("parse_duration_seconds", "histogram", ("file_type",), "Of parsing one file."),
        Family("active_devices", "gauge", ("type",), "Devices there are.", aggregation="last"),
    ),
    "Resources of the service": (
        Family("memory_usage_bytes", "gauge", (), "Resident memory of all processes together.", _PROCESS),
        Family("memory_usage_max_bytes", "gauge", (), "Resident memory of the largest process.", _PROCESS, "max"),
        Family("cpu_usage_percent", "gauge", (), "Of one core; two busy processes make 200.", _PROCESS),
        Family("disk_usage_bytes", "gauge", ("path",), "Used on the file system of a path.", _HOST, "max"),
        Family("processes", "gauge", (), "Processes of the service that live.", _PROCESS),
        Family("process_cpu_seconds_total", "counter", (), "Processor time, user and system.", _PROCESS),
        Family("process_resident_memory_bytes", "gauge", (), "Resident memory.", _PROCESS),
        Family("process_virtual_memory_bytes", "gauge", (), "Virtual memory.", _PROCESS),
        Family("process_start_time_seconds", "gauge", (), "Start of the oldest, since 1970.", _PROCESS, "min"),
        Family("process_open_fds", "gauge", (), "Open files and sockets.", _PROCESS),
        Family("process_max_fds", "gauge", (), "Files that one process may open.", _PROCESS, "min"),
        Family("process_threads", "gauge", (), "Threads.", _PROCESS),
        Family("python_gc_collections_total", "counter", ("generation",), "Garbage collections.", _PROCESS),
        Family("python_gc_objects_collected_total", "counter", ("generation",), "Objects collected.", _PROCESS),
        Family(
            "python_gc_objects_uncollectable_total", "counter", ("generation",), "Objects it cannot free.", _PROCESS
        ),
        Family("event_loop_lag_seconds", "gauge", (), "Longest delay of a callback since the last look.", _LOOP, "max"),
    ),
    "The host": (
        Family("host_cpu_usage_percent", "gauge", (), "Of all cores together, 0 to 100.", _HOST, "max"),
        Family("host_load1", "gauge", (), "Load average over a minute.", _HOST, "max"),
        Family("host_memory_total_bytes", "gauge", (), "Memory.", _HOST, "max"),
        Family("host_memory_available_bytes", "gauge", (), "Memory that can be had without swapping.", _HOST, "max"),
        Family("host_filesystem_size_bytes", "gauge", ("mountpoint",), "Size of a file system.", _HOST, "max"),
        Family("host_filesystem_available_bytes", "gauge", ("mountpoint",), "Left for ordinary users.", _HOST, "max"),
        Family("host_network_receive_bytes_total", "counter", ("device",), "Received.", _HOST),
        Family("host_network_transmit_bytes_total", "counter", ("device",), "Sent.", _HOST),
    ),
}

#: Name → family, of all groups.
EVERY: Final = {family.name: family for group in GROUPS.values() for family in group}


def http_style(prefix: str) -> HttpStyle:
    """The words that go with a prefix."""
    return HTTP_STYLES.get(prefix, _OTHER)


def http_families(prefix: str) -> tuple[Family, ...]:
    """The family of HTTP under a prefix, in the order of `HTTP`."""
    words = http_style(prefix)._asdict()
    return tuple(
        family._replace(
            name=f"{prefix}_{family.name.format(**words)}",
            labels=tuple(label.format(**words) for label in family.labels),
        )
        for family in HTTP
    )


class _Nobody:
    """Stands for an instrument that is not ours to feed."""

    value = 0.0

    def labels(self, *_: object, **__: object) -> _Nobody:
        return self

    def _nothing(self, *_: object) -> None:
        pass

    inc = dec = set = observe = _nothing


_NOBODY: Final = _Nobody()


def feed(family: Family | str) -> Any:  # noqa: ANN401 - a counter, a gauge or a histogram
    """The instrument of a family, for what measures by itself.

    Where the application has a metric of this name with other labels, that stays its own: what is fed goes nowhere.
    """
    if isinstance(family, str):
        family = EVERY[family]
    found = REGISTRY.instruments.get(family.name)
    if found is None:
        return _declare(family)
    return found if (found.kind, found.entry.labels) == (family.kind, family.labels) else _NOBODY


def _declare(family: Family) -> Instrument[Any]:
    name, description, labels, unit = family.name, family.description, family.labels, family.unit
    if family.kind == "counter":
        return counter(name, description, labels, unit=unit, exact=True)
    if family.kind == "gauge":
        return gauge(name, description, labels, unit=unit, exact=True, aggregation=family.aggregation)
    return histogram(name, description, labels, unit=unit, exact=True, buckets=BOUNDS[family.bounds])


def metric(name: str) -> Any:  # noqa: ANN401 - a counter, a gauge or a histogram, as the table has it
    """A metric that has its name already, with its labels and buckets; the reference lists them. Or one of your own.

    Args:
        name: of the metric, whole.

    Returns:
        The counter, gauge or histogram. It is in no exposition before it is first asked for.

    Raises:
        ValueError: there is none of this name.

    Example:
        plainview.metric("payments_total").labels(type="card", status="ok").inc()
    """
    found = REGISTRY.instruments.get(name)
    if found is not None:
        return found
    family = EVERY.get(name)
    if family is None:
        from difflib import get_close_matches  # noqa: PLC0415 - for a mistake only

        close = get_close_matches(str(name), EVERY, 1)
        hint = f": did you mean {close[0]!r}?" if close else ": declare it with counter, gauge, histogram or timer"
        msg = f"there is no metric {name!r}{hint}"
        raise ValueError(msg)
    return _declare(family)
