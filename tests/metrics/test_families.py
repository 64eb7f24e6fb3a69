"""The metrics that have a name before anybody declares one: they are these, and a Prometheus takes them all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

import plainview
from plainview.capture.metrics.families import BOUNDS, EVERY, GROUPS, http_families

#: Name → kind and labels. Dashboards and rules depend on them: a change here is a change for users.
NAMES = """
    jobs_created_total counter job_type
    jobs_completed_total counter job_type status
    jobs_in_progress gauge job_type
    job_duration_seconds histogram job_type
    job_stage_duration_seconds histogram job_type stage
    engine_executions_total counter engine_name status
    engine_duration_seconds histogram engine_name
    engine_retries_total counter engine_name
    batches_created_total counter
    batches_completed_total counter status
    batch_items_processed_total counter status
    batch_duration_seconds histogram
    memory_usage_bytes gauge
    cpu_usage_percent gauge
    disk_usage_bytes gauge path
    db_connections_active gauge
    db_connections_idle gauge
    content_quality_score histogram content_type
    hook_effectiveness_score histogram hook_style
    thumbnail_ctr_score histogram style_preset
    pacing_quality_score histogram pacing_preset
    database_queries_total counter operation table
    database_query_duration_seconds histogram operation table
    database_connections_active gauge
    database_connections_idle gauge
    redis_operations_total counter operation
    redis_operation_duration_seconds histogram operation
    redis_cache_hits_total counter cache_type
    redis_cache_misses_total counter cache_type
    celery_tasks_total counter task_name status
    celery_task_duration_seconds histogram task_name
    celery_queue_length gauge queue
    celery_workers_active gauge queue
    ml_predictions_total counter model status
    ml_prediction_duration_seconds histogram model
    ml_cache_hit_rate gauge
    users_registered_total counter
    users_active gauge
    videos_uploaded_total counter
    videos_total gauge status
    posts_created_total counter
    comments_created_total counter
    live_streams_active gauge
    payments_total counter type status
    revenue_total_usd counter type
"""
HTTP = {
    "http": """
        http_requests_total counter method endpoint status_code
        http_request_duration_seconds histogram method endpoint
        http_requests_in_progress gauge method endpoint
        http_request_size_bytes histogram method endpoint
        http_response_size_bytes histogram method endpoint
    """,
    "api": """
        api_requests_total counter method path status
        api_request_duration_seconds histogram method path
        api_requests_in_progress gauge method path
        api_request_size_bytes histogram method path
        api_response_size_bytes histogram method path
    """,
    "greenstack": """
        greenstack_requests_total counter method endpoint status
        greenstack_request_duration_seconds histogram method endpoint
        greenstack_requests_inprogress gauge method endpoint
        greenstack_request_size_bytes histogram method endpoint
        greenstack_response_size_bytes histogram method endpoint
    """,
}
#: Names that are as they are because others have them so; promtool would have them otherwise.
_ODD = {"revenue_total_usd", "videos_total"}
USE_ALL = """
    import sys
    import plainview
    from plainview.capture.metrics.answer import metrics
    from plainview.capture.metrics.families import EVERY

    plainview.configure(service="all", environment="testing", console="off", file="", resources=False)
    for name, family in EVERY.items():
        series = plainview.metric(name)
        series = series.labels(**{label: "x" for label in family.labels}) if family.labels else series
        getattr(series, {"counter": "inc", "gauge": "set", "histogram": "observe"}[family.kind])(0.7)
    sys.stdout.write(metrics({"accept": sys.argv[1]}.get)[2].decode())
"""


def table(text: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    rows = [line.split() for line in text.strip().splitlines()]
    return {name: (kind, tuple(labels)) for name, kind, *labels in rows}


def test_the_names_are_these():
    known = {name: (family.kind, family.labels) for name, family in EVERY.items()}
    assert table(NAMES).items() <= known.items()
    assert len(EVERY) == sum(map(len, GROUPS.values())), "a name is in two groups"


@pytest.mark.parametrize("prefix", HTTP)
def test_the_names_of_requests_go_with_the_prefix(prefix):
    assert {each.name: (each.kind, each.labels) for each in http_families(prefix)} == table(HTTP[prefix])


def test_each_has_its_help_and_buckets_that_rise():
    assert all(family.description.endswith(".") for family in EVERY.values())
    assert all(list(bounds) == sorted(set(bounds)) for bounds in BOUNDS.values())
    assert {family.bounds for family in EVERY.values()} <= set(BOUNDS)


def use_all(directory, accept: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PLAINVIEW_", "OTEL_"))}
    program = textwrap.dedent(USE_ALL)
    done = subprocess.run(
        [sys.executable, "-c", program, accept],
        cwd=directory, env=clean, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_all_of_them_are_exposed_as_they_are_named(tmp_path):
    shown = re.findall(r"(?m)^(\w+?)(?:_count)?(?:\{(.*)\})? ", use_all(tmp_path, "text/plain"))
    labels = {name: set(re.findall(r'(\w+)="', text)) for name, text in shown}
    assert {name: set(family.labels) for name, family in EVERY.items()}.items() <= labels.items()


def test_all_of_them_are_sound_in_openmetrics(tmp_path):
    families = {each.name for each in openmetrics(use_all(tmp_path, "application/openmetrics-text"))}
    assert {name.removesuffix("_total") for name, family in EVERY.items() if family.kind == "counter"} <= families


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")
def test_promtool_accepts_all_of_them(tmp_path):
    text = use_all(tmp_path, "text/plain")
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    complained = {line.split()[0] for line in (checked.stdout + checked.stderr).splitlines()}
    assert complained == _ODD


def test_one_that_nobody_knows_is_an_error_that_says_which_it_may_be():
    with pytest.raises(ValueError, match=re.escape("no metric 'payment_total': did you mean 'payments_total'?")):
        plainview.metric("payment_total")
    with pytest.raises(ValueError, match="declare it with counter, gauge, histogram or timer"):
        plainview.metric("quite something else")
