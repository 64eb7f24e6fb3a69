"""Who may talk to the server, and what browsers may do with its answers."""

from __future__ import annotations

import time

import httpx
import pytest
from live_server import TOKEN, assert_problem

from plainview.server import access
from plainview.server.access import COOKIE, Token, is_loopback
from plainview.server.serving import CannotServe, Serving
from plainview.settings import load


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "app.localhost", "127.0.0.1:7070", "127.9.9.9", "[::1]:1"]
)
def test_loopbacks_names_are_answered(server, host):
    assert server.client.get("/v1/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]"]
)
def test_a_name_that_was_bent_to_loopback_is_not_answered(server, host):
    for path in ("/v1/health", "/", "/v1/services"):
        assert_problem(server.client.get(path, headers={"Host": host}), 421)


def test_a_page_of_another_site_cannot_write(server):
    body = {"content": b"", "headers": {"Content-Type": "application/x-ndjson"}}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        answer = server.client.post("/v1/ingest", content=b"", headers=body["headers"] | headers)
        assert_problem(answer, 403)
    for origin in (server.url, "http://localhost:5173"):
        answer = server.client.post("/v1/ingest", content=b"", headers=body["headers"] | {"Origin": origin})
        assert answer.status_code == 200


def test_no_answer_may_be_read_by_another_site(server):
    for path in ("/", "/v1/services", "/v1/nothing", "/v1/logs/search"):
        answer = server.client.get(path, headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/logs", "/v1/services", "/v1/nothing", "/favicon.nothing.png"])
def test_every_answer_says_what_browsers_may_do(server, path):
    headers = server.client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_a_token_is_needed_for_everything_but_probes_and_the_page(guarded):
    with httpx.Client(base_url=guarded.url, trust_env=False) as stranger:
        for path in ("/v1/services", "/v1/status", "/v1/logs/1", "/v1/openapi.json", "/v1/nothing"):
            answer = stranger.get(path)
            assert_problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert_problem(stranger.post("/v1/ingest", content=b""), 401)
        for wrong in ("Bearer nonsense", "Bearer", f"Basic {TOKEN}", TOKEN, "Bearer " + "x" * 9999):
            assert_problem(stranger.get("/v1/services", headers={"Authorization": wrong}), 401)
        for path in ("/v1/health", "/v1/health/live", "/v1/health/ready", "/v1/session", "/"):
            assert stranger.get(path).status_code in (200, 503)  # no page when it is not built
    assert guarded.client.get("/v1/services").status_code == 200
    # Any name will do: the token tells friend from foe.
    assert guarded.client.get("/v1/services", headers={"Host": "logs.example.com"}).status_code == 200


def test_signing_in_gives_a_cookie_that_scripts_cannot_read(guarded):
    with httpx.Client(base_url=guarded.url, trust_env=False) as browser:
        origin = {"Origin": guarded.url}
        assert browser.get("/v1/session").json() == {"required": True, "authenticated": False}
        assert_problem(browser.post("/v1/session", json={"token": "wrong"}, headers=origin), 401, "token")
        answer = browser.post("/v1/session", json={"token": f" {TOKEN}\n"}, headers=origin)
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert browser.get("/v1/session").json() == {"required": True, "authenticated": True}
        assert browser.get("/v1/services").status_code == 200
        assert browser.post("/v1/logs/search", json={}, headers=origin).status_code == 200
        # With the cookie alone, the page must be known.
        assert_problem(browser.post("/v1/logs/search", json={}), 403)
        assert_problem(browser.post("/v1/logs/search", json={}, headers={"Origin": "https://evil.example"}), 403)
        assert_problem(browser.post("/v1/logs/search", json={}, headers={"Origin": "http://localhost:1"}), 403)
        browser.delete("/v1/session", headers=origin)
        assert browser.get("/v1/session").json() == {"required": True, "authenticated": False}


def test_without_a_token_nobody_needs_to_sign_in(server):
    assert server.get("/v1/session") == {"required": False, "authenticated": True}
    assert server.post("/v1/session", {"token": "any"}) == {"required": False, "authenticated": True}


def test_a_session_is_the_tokens_and_ends(monkeypatch):
    token = Token(TOKEN)
    cookie = token.sign_in()
    assert token.signed_in(cookie)
    assert not Token("another-token-entirely").signed_in(cookie)
    for forged in ("", ".", "9999999999.", "9999999999." + cookie.partition(".")[2], cookie + "0", "é.é", "x.y.z"):
        assert not token.signed_in(forged)
    later = time.time() + access.SESSION_SECONDS + 1
    monkeypatch.setattr(access.time, "time", lambda: later)
    assert not token.signed_in(cookie)


@pytest.mark.parametrize(
    "cookie", ['plainview_session="', "a=b; plainview_session=1.2", "\xff=1", ";;;=", f"{COOKIE}=\udcff"]
)
def test_an_odd_cookie_does_no_harm(guarded, cookie):
    raw = cookie.encode("utf-8", "surrogateescape")
    with httpx.Client(base_url=guarded.url, trust_env=False) as stranger:
        assert stranger.get("/v1/services", headers=[(b"cookie", raw)]).status_code in (400, 401)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_listening_beyond_loopback_needs_a_token(tmp_path, host):
    with pytest.raises(CannotServe, match=r"PLAINVIEW_TOKEN=\$\(openssl"):
        Serving.open(load({}, dir=str(tmp_path), host=host, port=0))
    with pytest.raises(CannotServe, match="too short"):
        Serving.open(load({}, dir=str(tmp_path), host=host, port=0, token="short"))


def test_what_counts_as_loopback():
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "::1", "[::1]", "x.localhost", "localhost."]))
    assert not any(map(is_loopback, ["", "0.0.0.0", "::", "example.com", "127.0.0.1.example", "1.2.3.4", "localhosts"]))
