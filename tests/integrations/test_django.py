"""Django under WSGI and ASGI servers, without a change: routes, exceptions that became responses, streams."""

from __future__ import annotations

import sys

import pytest
from exposed import Samples
from harness import free_port, get

SITE = """
    import logging, os, sys
    import django
    from django.conf import settings
    from django.http import HttpResponse, StreamingHttpResponse
    from django.urls import include, path

    settings.configure(
        DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", USE_TZ=True,
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    )
    django.setup()

    def read(request, shelf, book_id):
        logging.getLogger("shelf").info("reading %s", book_id)
        return HttpResponse(f"book {book_id}")

    def broken(request):
        raise LookupError("broken")

    def stream(request):
        return StreamingHttpResponse(iter([b"x" * 10] * 5))

    urlpatterns = [
        path("broken", broken),
        path("stream", stream),
        path("shelves/<slug:shelf>/", include([path("books/<int:book_id>", read)])),
    ]

    from django.core.wsgi import get_wsgi_application
    from django.core.asgi import get_asgi_application
    wsgi, asgi = get_wsgi_application(), get_asgi_application()

    if __name__ == "__main__":
        from django.core.management import execute_from_command_line
        execute_from_command_line(sys.argv)
"""
COMMANDS = {
    "gunicorn": ("gunicorn", "site_:wsgi", "-w", "2", "--bind", "127.0.0.1:{port}"),
    "uvicorn": ("uvicorn", "site_:asgi", "--port", "{port}", "--lifespan", "off"),
    "runserver": (sys.executable, "site_.py", "runserver", "--noreload", "127.0.0.1:{port}"),
}


@pytest.mark.parametrize("server", COMMANDS)
def test_django(programs, server):
    programs.write("site_.py", SITE)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [word.format(port=port) for word in COMMANDS[server]]
    with programs.serving(*command, port=port, variables={"PLAINVIEW_METRICS_PATH": "/metrics"}):
        status, headers, body = get(f"{url}/shelves/left/books/7", X_Request_ID="r1")
        assert (status, headers["x-request-id"], body) == (200, "r1", b"book 7")
        assert get(f"{url}/broken")[0] == 500
        assert get(f"{url}/stream")[2] == b"x" * 50
        assert get(f"{url}/nowhere/4711")[0] == 404
        exposed = Samples(get(f"{url}/metrics")[2].decode())
    assert exposed.of("http_requests_total") == {
        ("/shelves/<slug:shelf>/books/<int:book_id>", "GET", "200"): 1,
        ("/broken", "GET", "500"): 1,
        ("/stream", "GET", "200"): 1,
        ("unmatched", "GET", "404"): 1,
    }
    spool = programs.spool
    found = {line["extra"]["path"]: (line["extra"]["route"], line["extra"]["status"]) for line in spool.requests()}
    assert found == {
        "/shelves/left/books/7": ("/shelves/<slug:shelf>/books/<int:book_id>", 200),
        "/broken": ("/broken", 500),
        "/stream": ("/stream", 200),
        "/nowhere/4711": ("", 404),
    }
    assert len(spool.requests()) == len(spool.spans(kind="SERVER")) == 4
    (reading,) = spool.logs("shelf")
    assert reading["request_id"] == "r1"
    (failed,) = spool.logs("plainview.http", message="request failed")
    assert failed["exception"]["type"] == "LookupError"
    assert spool.internal_errors() == 0
