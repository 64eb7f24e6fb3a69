"""Flask: one line of code, the route's template, exceptions that Flask turned into a response."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask, Response, abort, stream_with_context

import plainview


def application() -> Flask:
    app = Flask(__name__)
    blueprint = Blueprint("shelves", __name__, url_prefix="/shelves/<shelf>")

    @app.get("/books/<int:book_id>")
    def read(book_id):
        plainview.get_logger("app").info("reading")
        return {"id": book_id}

    @app.get("/broken")
    def broken():
        raise LookupError("broken")

    @app.get("/missing")
    def missing():
        abort(404)

    @app.get("/stream")
    def stream():
        def parts():
            for _ in range(3):
                plainview.get_logger("app").info("part")
                yield "x" * 10

        return Response(stream_with_context(parts()))

    @blueprint.get("/books")
    def books(shelf):
        return shelf

    app.register_blueprint(blueprint)
    return app


@pytest.fixture
def client(spool):
    return plainview.instrument(application()).test_client()


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/books/7", 200, "/books/<int:book_id>"),
        ("/shelves/left/books", 200, "/shelves/<shelf>/books"),
        ("/missing", 404, "/missing"),
        ("/nowhere/4711", 404, ""),
        ("/stream", 200, "/stream"),
    ],
)
def test_the_route_is_the_template_never_the_path(spool, client, path, status, route):
    response = client.get(path)
    assert response.status_code == status
    assert response.data
    response.close()
    line, (span,) = spool.request(), spool.spans()
    assert (line["extra"]["path"], line["extra"]["status"], line["extra"]["route"]) == (path, status, route)
    assert line["extra"]["response_bytes"] == len(response.data)
    assert span["name"] == f"GET {route}".strip()
    assert response.headers["X-Request-ID"] == line["request_id"]


def test_an_exception_that_became_a_response_has_its_stack(spool, client):
    assert client.get("/broken", headers={"X-Request-ID": "r1"}, buffered=True).status_code == 500
    line, (span,) = spool.request(), spool.spans()
    assert (line["message"], line["exception"]["type"], line["request_id"]) == ("request failed", "LookupError", "r1")
    assert (span["status"], span["attributes"]["error.type"]) == ("ERROR", "LookupError")


def test_an_exception_that_is_passed_on_is_recorded_once(spool):
    app = application()
    app.testing = True
    with pytest.raises(LookupError):
        plainview.instrument(app).test_client().get("/broken")
    assert spool.request()["exception"]["type"] == "LookupError"


def test_a_stream_has_the_context(spool, client):
    response = client.get("/stream")
    assert response.data == b"x" * 30
    response.close()
    assert {line["request_id"] for line in spool.logs("app")} == {spool.request()["request_id"]}
    assert len(spool.logs("app")) == 3


def test_an_application_may_be_instrumented_twice(spool):
    app = application()
    assert plainview.instrument(plainview.instrument(app)) is app
    app.test_client().get("/books/1", buffered=True)
    assert len(spool.requests()) == 1


def test_another_application_is_left_alone(spool):
    plainview.instrument(application())
    application().test_client().get("/books/1", buffered=True)
    assert spool.requests() == []
