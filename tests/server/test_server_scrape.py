"""``plainview serve`` scrapes targets; a real Prometheus writes to it."""

from __future__ import annotations

import http.server
import math
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
import pytest
from live_server import run_server

from plainview.ingest.metrics.targets import BadScrapeConfig, targets
from plainview.query.metrics.source import EVER, StoredMetrics
from plainview.query.promql.series import Matcher
from plainview.query.reader import Reader
from plainview.server.serving import CannotServe, Serving
from plainview.settings import load
from plainview.store.samples import STALE


def eventually(look, timeout=60.0):
    end = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)
    return found


def series(server, name, **labels):
    matchers = [Matcher("__name__", "=", name), *(Matcher(key, "=", value) for key, value in labels.items())]
    return StoredMetrics(Reader(server.serving.store)).select(matchers, 0, EVER)


class Exposing(http.server.BaseHTTPRequestHandler):
    """A target; ``answer`` is the status, the type and the body."""

    answer: ClassVar = (200, "text/plain", b"")
    asked: ClassVar[list[dict[str, str]]] = []

    def do_GET(self):
        type(self).asked.append(dict(self.headers) | {"path": self.path})
        status, kind, body = type(self).answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def target():
    handler = type("Handler", (Exposing,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield handler, f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


CONFIG = """
global: {{scrape_interval: 200ms}}
rule_files: [ours.yml]
scrape_configs:
  - job_name: studio
    metrics_path: /m
    params: {{part: [a b]}}
    authorization: {{credentials: secret}}
    static_configs: [{{targets: ['{address}'], labels: {{zone: north}}}}]
"""


def test_a_target_is_scraped_and_what_goes_away_ends(tmp_path):
    with target() as (handler, address):
        body = b'# HELP books_total Books\n# TYPE books_total counter\nbooks_total{kind="novel",job="x"} 3\nroom NaN\n'
        handler.answer = (200, "text/plain; version=0.0.4", body)
        config = tmp_path / "prometheus.yml"
        config.write_text(CONFIG.format(address=address))
        with run_server(tmp_path / "data", scrape_config=str(config), metrics_interval=1.0) as server:
            (found,) = eventually(lambda: series(server, "books_total"))
            assert found.labels == {
                "__name__": "books_total",
                "kind": "novel",
                "exported_job": "x",
                "job": "studio",
                "zone": "north",
                "instance": address,
            }
            assert found.values[0] == 3
            assert math.isnan(series(server, "room")[0].values[0])
            assert series(server, "up")[0].values[0] == 1
            assert series(server, "scrape_samples_scraped")[0].values[0] == 2
            assert series(server, "scrape_duration_seconds")[0].values[0] > 0
            assert handler.asked[0]["path"] == "/m?part=a+b"
            assert handler.asked[0]["Authorization"] == "Bearer secret"
            handler.answer = (200, "text/plain", b"room 4\n")
            eventually(lambda: series(server, "books_total")[0].values.view(np.int64)[-1] == STALE)
            assert eventually(lambda: series(server, "room")[0].values[-1]) == 4
            handler.answer = (500, "text/plain", b"")
            eventually(lambda: series(server, "up")[0].values[-1] == 0)
            eventually(lambda: series(server, "room")[0].values.view(np.int64)[-1] == STALE)
            entry = {one["name"]: one for one in server.get("/v1/metrics/catalogue")["metrics"]}["books_total"]
            assert (entry["kind"], entry["description"], entry["series"]) == ("counter", "Books", 1)


@pytest.mark.parametrize(
    "answer",
    [
        (200, "text/plain", b"\xff\xfe{{{ no exposition"),
        (200, "application/openmetrics-text", b"room 4\n"),  # no end
        (200, "text/plain", b'room{a="' + b"x" * 1_000_000 + b'"} 4\n'),
        (302, "text/plain", b""),
        (200, "text/plain", b"x 1\n" * (9 << 20)),
    ],
    ids=["garbage", "cut", "a long label", "elsewhere", "too large"],
)
def test_a_target_that_exposes_nonsense_is_down_and_nothing_of_it_stored(tmp_path, answer):
    with target() as (handler, address):
        handler.answer = answer
        config = tmp_path / "prometheus.yml"
        config.write_text(CONFIG.format(address=address).replace("200ms", "1s"))
        with run_server(tmp_path / "data", scrape_config=str(config), metrics_interval=1.0) as server:
            (up,) = eventually(lambda: series(server, "up"))
            assert up.values[0] == 0
            assert not series(server, "room")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("scrape_configs: [{job_name: a, relabel_configs: []}]", "relabel_configs"),
        ("scrape_configs: [{job_name: a, scrape_interval: soon}]\n", None),
        ("scrape_configs: [{job_name: a, scrape_interval: soon, static_configs: [{targets: [b]}]}]", "soon"),
        ("scrape_configs: [{static_configs: []}]", "job_name"),
        ("scrape_configs: [{job_name: a, static_configs: [{targets: ['http://b/c']}]}]", "host:port"),
        ("scrape_configs: {", "YAML"),
        ("[]", "object"),
    ],
)
def test_a_file_that_is_not_understood_says_where(tmp_path, text, says):
    config = tmp_path / "prometheus.yml"
    config.write_text(text)
    with pytest.raises(BadScrapeConfig, match=says or "soon"):
        targets(config)
    with pytest.raises(CannotServe, match="PLAINVIEW_SCRAPE_CONFIG"):
        Serving.open(load({}, dir=str(tmp_path / "data"), port=0, scrape_config=str(config)))


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus is installed")
def test_a_real_prometheus_writes_what_it_scraped(tmp_path):
    with target() as (handler, address), run_server(tmp_path / "data", metrics_interval=1.0) as server:
        body = b"# HELP books_total Books\n# TYPE books_total counter\nbooks_total 3\n"
        handler.answer = (200, "text/plain; version=0.0.4", body)
        config = tmp_path / "prometheus.yml"
        config.write_text(
            f"global: {{scrape_interval: 1s, external_labels: {{cluster: test}}}}\n"
            f"scrape_configs: [{{job_name: studio, static_configs: [{{targets: ['{address}']}}]}}]\n"
            f"remote_write: [{{url: '{server.url}/api/v1/write', "
            "queue_config: {batch_send_deadline: 200ms}, metadata_config: {send_interval: 500ms}}]\n"
        )
        command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
        command += ["--web.listen-address=127.0.0.1:0"]
        with (tmp_path / "log").open("wb") as log:
            program = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                found = eventually(lambda: (one := series(server, "books_total")) and len(one[0].times) >= 3 and one)
            except AssertionError:
                raise AssertionError((tmp_path / "log").read_text()) from None
            finally:
                program.kill()
                program.wait()
        assert found[0].labels == {"__name__": "books_total", "cluster": "test", "job": "studio", "instance": address}
        assert set(found[0].values[found[0].values >= 0].tolist()) == {3.0}
        assert series(server, "up")[0].values[0] == 1
