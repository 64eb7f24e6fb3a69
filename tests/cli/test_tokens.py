"""``plainview tokens``: DSNs are made, listed, changed and taken back, with a server that runs and without."""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

import httpx
import pytest
from test_serve import plainview, serving

EVENT_ID = "0123456789abcdef0123456789abcdef"


def tokens(directory, *arguments):
    return plainview("tokens", *arguments, "--dir", directory)


def listed(directory, *arguments):
    return json.loads(tokens(directory, "list", "--json", *arguments).stdout)


def send(dsn):
    """Send one event to a DSN. Gives the status."""
    parts = urlsplit(dsn)
    payload = json.dumps({"event_id": EVENT_ID, "message": "no stock"}).encode()
    body = b'{"event_id":"%s"}\n{"type":"event","length":%d}\n%s\n' % (EVENT_ID.encode(), len(payload), payload)
    address = f"http://{parts.hostname}:{parts.port}/api{parts.path}/envelope/"
    return httpx.post(address, content=body, headers={"X-Sentry-Auth": f"Sentry sentry_key={parts.username}"})


def test_keys_are_made_listed_changed_and_taken_back_without_a_server(tmp_path):
    assert "plainview tokens create" in tokens(tmp_path, "list").stdout
    first, second = (tokens(tmp_path, "create", name).stdout.strip() for name in ("shop", "stock"))
    assert [(row["name"], row["project"], row["dsn"]) for row in listed(tmp_path)] == [
        ("shop", 1, first),
        ("stock", 2, second),
    ]
    number = str(listed(tmp_path)[0]["number"])
    changed = tokens(tmp_path, "rotate", number).stdout.strip()
    assert urlsplit(changed).username != urlsplit(first).username
    assert changed in [row["dsn"] for row in listed(tmp_path)]
    assert first not in [row["dsn"] for row in listed(tmp_path)]
    last = str(next(row["number"] for row in listed(tmp_path) if row["dsn"] == second))
    assert tokens(tmp_path, "revoke", last).returncode == 0
    gone = next(row for row in listed(tmp_path) if str(row["number"]) == last)
    assert gone["dsn"] is None
    assert gone["revoked"]


@pytest.mark.parametrize("command", ["rotate", "revoke"])
def test_a_number_that_is_none_is_told(tmp_path, command):
    refused = tokens(tmp_path, command, "7")
    assert refused.returncode == 1
    assert "there is no key 7" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_address_may_be_that_of_a_proxy(tmp_path):
    made = tokens(tmp_path, "create", "shop", "--project", "5", "--url", "https://host:8443/base").stdout.strip()
    parts = urlsplit(made)
    assert (parts.scheme, parts.hostname, parts.port, parts.path) == ("https", "host", 8443, "/base/5")
    assert parts.username


def test_a_dsn_lets_events_in_at_the_server_that_runs_until_it_is_taken_back(tmp_path):
    with serving(tmp_path) as process:
        dsn = tokens(tmp_path, "create", "shop").stdout.strip()
        assert urlsplit(dsn).port == urlsplit(process.url).port
        answer = send(dsn)
        assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
        until = time.monotonic() + 20
        while not (found := httpx.get(f"{process.url}/v1/errors", params={"service": "shop"}).json()["errors"]):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert len(found) == 1
        assert tokens(tmp_path, "revoke", str(listed(tmp_path)[0]["number"])).returncode == 0
        while send(dsn).status_code != 403:
            assert time.monotonic() < until
            time.sleep(0.2)
