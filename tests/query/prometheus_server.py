"""A real Prometheus, on a free port of loopback."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager

import httpx


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def run_prometheus(directory, config="", *options):
    """A Prometheus over a directory for as long as the block lasts; gives a client of it."""
    (directory / "prometheus.yml").write_text(config)
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
        *options,
    ]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
    try:
        until = time.monotonic() + 30
        while True:
            assert process.poll() is None, (directory / "log").read_text()
            assert time.monotonic() < until
            try:
                if client.get("/-/ready").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(20)
