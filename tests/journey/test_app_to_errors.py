"""From an exception in an application to an issue of the API: every occurrence counted, once, whoever is killed."""

from __future__ import annotations

import signal
import subprocess
import sys

import httpx
from served import CLEAN, until

PROGRAM = """
import os, signal, sys, time
import plainview

plainview.configure(dir=sys.argv[1], service="shop", environment="production", file="")
log = plainview.get_logger("shop")

def price(item):
    return {}[item]

def order(number):
    with plainview.context(job_id=f"j-{number % 7}", user_id=f"u-{number % 3}"), plainview.span("order"):
        try:
            price("lamp")
        except KeyError:
            log.exception("no price", order=number)
            raise

for number in range(5000):
    try:
        order(number)
    except KeyError as error:
        plainview.capture_exception(error)
    if number == 2500:
        time.sleep(0.5)
time.sleep(2.5)  # the keeper tells what was only counted
plainview.capture_message("done", "warning")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_each_occurrence_is_counted_once_though_the_server_and_the_application_are_killed(serve, tmp_path):
    server = serve()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(server.directory)], env=CLEAN)
    until(lambda: server.search(limit=1)["logs"])
    server.kill()
    assert process.wait(60) == -signal.SIGKILL
    server.start()

    def issues():
        found = {issue["error_type"]: issue for issue in httpx.get(f"{server.url}/v1/errors").json()["errors"]}
        complete = "KeyError" in found and found["KeyError"]["occurrence_count"] >= 5000 and len(found) == 2
        return found if complete else None

    found = until(issues)
    issue = found["KeyError"]
    assert issue["occurrence_count"] == 5000
    assert issue["culprit"].endswith("price")
    assert (issue["users"], issue["jobs"], issue["services"]) == (3, 7, ["shop"])

    # A log line leads to its issue and to the one occurrence.
    line = next(line for line in server.all() if line.get("exception", {}).get("error_id"))
    error_id = line["exception"]["error_id"]
    assert httpx.get(f"{server.url}/v1/errors/{error_id}").json()["id"] == issue["id"]
    assert line["exception"]["fingerprint"] == issue["fingerprint"]
