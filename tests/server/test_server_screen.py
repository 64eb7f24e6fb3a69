"""The built screen, as a browser gets it."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from live_server import assert_problem
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from plainview.server.screen import Screen


class Browser:
    """Asks an app without a network between."""

    def __init__(self, app):
        self._transport = httpx.ASGITransport(app)

    def request(self, method, path, **how):
        async def ask():
            async with httpx.AsyncClient(transport=self._transport, base_url="http://localhost") as client:
                return await client.request(method, path, **how)

        return asyncio.run(ask())

    def get(self, path, **how):
        return self.request("GET", path, **how)


PAGE = "<!doctype html><title>Plainview</title>" + "<p>filler</p>" * 200


@pytest.fixture
def screen(tmp_path):
    (tmp_path / "static/assets").mkdir(parents=True)
    (tmp_path / "static/index.html").write_text(PAGE)
    (tmp_path / "static/assets/app-1a2b.js").write_text("console.log(1)")
    (tmp_path / "static/favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "static/link.txt").symlink_to(tmp_path / "secret.txt")
    api = Starlette(routes=[Route("/v1/x", lambda _: PlainTextResponse("api"))])
    return Browser(Screen(api, tmp_path / "static"))


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/logs", "/traces/abc.def", "/logs?q=a", "/any/where", "/index.html", "/v1x"),
        *("/jobs", "/workers", "/operations/b7ad6b7169203331", "/runs/compare?a=1&b=2"),
    ],
)
def test_every_page_of_the_screen_is_the_page(screen, path):
    answer = screen.get(path)
    assert answer.text == PAGE
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


def test_assets_are_kept_for_ever_and_the_page_is_asked_for_again(screen):
    asset = screen.get("/assets/app-1a2b.js")
    assert asset.headers["content-type"].startswith("text/javascript")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    page = screen.get("/")
    again = screen.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert screen.get("/favicon.svg").headers["content-type"].startswith("image/svg+xml")


def test_a_new_build_is_served_at_once(screen, tmp_path):
    screen.get("/")
    (tmp_path / "static/index.html").write_text("new")
    assert screen.get("/").text == "new"


def test_it_is_packed_for_those_who_like_that(screen):
    answer = screen.get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(PAGE) / 5
    assert answer.text == PAGE
    assert "content-encoding" not in screen.get("/", headers={"Accept-Encoding": "identity"}).headers


def test_head_has_no_body(screen):
    answer = screen.request("HEAD", "/")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", ["/assets/gone-9.js", "/gone.png", "/assets/", "/assets/..%2f..%2fsecret.txt"])
def test_a_file_that_is_not_there_is_not_the_page(screen, path):
    assert_problem(screen.get(path), 404)


@pytest.mark.parametrize("path", ["/operations/s3%3A%2F%2Fbooks%2F7.json", "/runs/out/7.txt", "/operations/a.js"])
def test_the_page_of_an_id_that_looks_like_a_file_is_the_page(screen, path):
    assert screen.get(path).text == PAGE


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/..%2fsecret.txt", "/link.txt", "//etc/hostname", "/%00", "/%2e%2e/secret.txt"]
)
def test_nothing_outside_the_folder_is_served(screen, path):
    assert "secret" not in screen.get(path).text


def test_the_api_is_beside_it(screen):
    assert screen.get("/v1/x").text == "api"
    assert screen.get("/v1").status_code == 404
    assert_problem(screen.request("POST", "/logs"), 405)


def test_without_a_build_the_page_says_what_to_do(tmp_path):
    answer = Browser(Screen(Starlette(), tmp_path / "nothing")).get("/")
    assert answer.status_code == 503
    assert "npm --prefix web run build" in answer.text
