"""FastAPI and Starlette: one line of code, the route's template, what was wrong with a request."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

import plainview


class Book(BaseModel):
    title: str
    pages: int


def application() -> FastAPI:
    app = FastAPI()
    inner = FastAPI()
    router = APIRouter(prefix="/shelves/{shelf}")

    @app.get("/books/{book_id}")
    async def read(book_id: int):
        plainview.get_logger("app").info("reading")
        return {"id": book_id}

    @app.post("/books")
    def create(book: Book):
        return book

    @app.get("/missing")
    def missing():
        raise HTTPException(404, "no such book")

    @app.get("/broken")
    def broken():
        raise LookupError("broken")

    @app.get("/stream")
    def stream():
        return StreamingResponse(iter(["a" * 10] * 10))

    @app.get("/background")
    def background(tasks: BackgroundTasks):
        tasks.add_task(lambda: plainview.get_logger("app").info("later"))

    @router.get("/books/{book_id}")
    def on_shelf(shelf: str, book_id: int):
        return shelf

    @inner.get("/items/{item_id}")
    def item(item_id: str):
        return item_id

    app.include_router(router, prefix="/v1")
    app.mount("/tenants/{tenant}", inner)
    return app


@pytest.fixture
def client(spool):
    return TestClient(plainview.instrument(application()), raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/books/7", 200, "/books/{book_id}"),
        ("/v1/shelves/left/books/7", 200, "/v1/shelves/{shelf}/books/{book_id}"),
        ("/tenants/acme/items/7", 200, "/tenants/{tenant}/items/{item_id}"),
        ("/openapi.json", 200, "/openapi.json"),
        ("/missing", 404, "/missing"),
        ("/nowhere/4711", 404, ""),
        ("/stream", 200, "/stream"),
    ],
)
def test_the_route_is_the_template_never_the_path(spool, client, path, status, route):
    assert client.get(path).status_code == status
    line, (span,) = spool.request(), spool.spans(kind="SERVER")
    assert (line["extra"]["path"], line["extra"]["status"], line["extra"]["route"]) == (path, status, route)
    assert span["name"] == f"GET {route}".strip()
    assert span["attributes"].get("http.route", "") == route


def test_a_method_that_is_not_allowed_has_the_route(spool, client):
    assert client.delete("/books").status_code == 405
    assert spool.request()["extra"]["route"] == "/books"


def test_there_is_one_span_a_request_whatever_fastapi_makes_by_itself(spool, client):
    client.get("/books/7")
    assert len(spool.spans(kind="SERVER")) == 1


def test_an_invalid_request_says_where_and_why_and_not_what(spool, client):
    response = client.post("/books", json={"title": "x", "pages": "hunter2"})
    assert response.status_code == 422
    (failed,) = spool.logs(message="request validation failed")
    assert failed["level"] == "WARNING"
    (error,) = failed["extra"]["errors"]
    assert error["loc"] == ["body", "pages"]
    assert error["type"] == "int_parsing"
    assert "hunter2" not in str(failed)
    assert failed["extra"]["route"] == spool.request()["extra"]["route"] == "/books"
    assert spool.request()["extra"]["status"] == 422
    assert failed["request_id"] == spool.request()["request_id"]


def test_the_errors_are_kept_when_the_application_handles_them_itself(spool):
    app = application()

    @app.exception_handler(RequestValidationError)
    async def handle(request, error):
        return JSONResponse({"sorry": True}, 400)

    client = TestClient(plainview.instrument(app))
    assert client.post("/books", json={}).status_code == 400
    (failed,) = spool.logs(message="request validation failed")
    assert {error["loc"][-1] for error in failed["extra"]["errors"]} == {"title", "pages"}


def test_an_exception_has_its_stack_and_the_response_its_request_id(spool, client):
    response = client.get("/broken", headers={"X-Request-ID": "r1"})
    assert (response.status_code, response.headers["x-request-id"]) == (500, "r1")
    line = spool.request()
    assert (line["message"], line["exception"]["type"]) == ("request failed", "LookupError")
    assert line["extra"]["route"] == "/broken"


def test_threads_of_sync_endpoints_and_background_tasks_have_the_context(spool, client):
    client.get("/background", headers={"X-Request-ID": "r1"})
    assert spool.logs("app")[0]["request_id"] == "r1"


def test_middleware_of_the_application_runs_inside(spool):
    app = application()

    @app.middleware("http")
    async def deny(request: Request, call_next):
        plainview.bind(user_id="u1")
        if request.url.path == "/denied":
            return PlainTextResponse("no", 403)
        return await call_next(request)

    client = TestClient(plainview.instrument(app))
    assert client.get("/denied").status_code == 403
    assert client.get("/books/1").status_code == 200
    denied, read = spool.requests()
    assert (denied["extra"]["status"], denied["user_id"]) == (403, "u1")
    assert read["extra"]["route"] == "/books/{book_id}"
    assert spool.logs("app")[0]["user_id"] == "u1"


def test_an_application_may_be_instrumented_after_it_has_served_and_twice(spool):
    app = application()
    TestClient(app).get("/books/1")
    assert spool.requests() == []
    assert plainview.instrument(app) is app
    plainview.instrument(app)
    TestClient(app).get("/books/2")
    assert spool.request()["extra"]["path"] == "/books/2"


def test_another_application_is_left_alone(spool):
    plainview.instrument(application())
    TestClient(application()).get("/books/1")
    assert spool.requests() == []


def starlette_application(directory) -> Starlette:
    async def read(request):
        return PlainTextResponse(request.path_params["name"])

    async def read_deep(request):
        return await read(request)

    (directory / "a.txt").write_text("a")
    inner = [Route("/items/{name}", read), Mount("/deep", routes=[Route("/{name}", read_deep)])]
    return Starlette(
        routes=[
            Route("/items/{name:path}", read),
            Mount("/tenants/{tenant}", routes=inner),
            Mount("/static", StaticFiles(directory=directory)),
        ]
    )


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/items/a/b", 200, "/items/{name}"),
        ("/tenants/acme/items/7", 200, "/tenants/{tenant}/items/{name}"),
        ("/tenants/acme/deep/7", 200, "/tenants/{tenant}/deep/{name}"),
        ("/static/a.txt", 200, "/static/{path}"),
        ("/nowhere", 404, ""),
    ],
)
def test_starlette_too(spool, tmp_path, path, status, route):
    client = TestClient(plainview.instrument(starlette_application(tmp_path)))
    assert client.get(path).status_code == status
    assert spool.request()["extra"]["route"] == route


def test_the_route_is_found_where_starlette_does_not_note_it(spool, tmp_path):
    """As in versions before it kept the route in the scope."""
    from plainview.integrations.routes import of_scope

    app = starlette_application(tmp_path)
    scope = {"router": app.router, "root_path": ""}
    items = app.routes[0]
    scope["endpoint"] = items.endpoint
    assert of_scope(scope) == "/items/{name}"
    assert of_scope({"router": app.router, "endpoint": print}) == ""
