"""What kind of trouble an error is, and what is to be done."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plainview.grouping import catalogue, rules
from plainview.grouping.categories import CATEGORIES, categorise


def error(kind, message="", **more):
    """An error record with one exception."""
    module, _, name = kind.rpartition(".")
    return {"exceptions": [{"type": name, "module": module, "message": message, **more}]}


KNOWN = [
    ("transient", "ConnectionRefusedError", "[Errno 111] Connection refused"),
    ("transient", "OSError", "[Errno 110] Connection timed out"),
    ("transient", "TimeoutError", ""),
    ("transient", "asyncio.exceptions.TimeoutError", ""),
    ("transient", "httpx.ReadTimeout", "timed out"),
    ("transient", "httpx.ConnectError", "All connection attempts failed"),
    ("transient", "httpx.HTTPStatusError", "Server error '503 Service Unavailable' for url 'x'"),
    ("transient", "requests.exceptions.ConnectionError", "Max retries exceeded (Caused by NewConnectionError)"),
    ("transient", "requests.exceptions.HTTPError", "429 Client Error: Too Many Requests for url: x"),
    ("transient", "aiohttp.client_exceptions.ServerDisconnectedError", "Server disconnected"),
    ("transient", "urllib3.exceptions.ReadTimeoutError", "Read timed out."),
    ("transient", "urllib.error.URLError", "<urlopen error [Errno -2] Name or service not known>"),
    ("transient", "sqlalchemy.exc.OperationalError", "(psycopg.OperationalError) server closed the connection"),
    ("transient", "psycopg.errors.DeadlockDetected", "deadlock detected"),
    ("transient", "asyncpg.exceptions.SerializationError", "could not serialize access"),
    ("transient", "sqlite3.OperationalError", "database is locked"),
    ("transient", "redis.exceptions.BusyLoadingError", "Redis is loading the dataset in memory"),
    ("transient", "openai.RateLimitError", "Error code: 429 - {'error': {'code': 'rate_limit_exceeded'}}"),
    ("transient", "anthropic.APIStatusError", "Error code: 529 - {'error': {'type': 'overloaded_error'}}"),
    ("transient", "kombu.exceptions.OperationalError", "[Errno 111] Connection refused"),
    ("transient", "botocore.exceptions.EndpointConnectionError", "Could not connect to the endpoint URL"),
    ("transient", "botocore.exceptions.ClientError", "An error occurred (ThrottlingException): Rate exceeded"),
    ("transient", "grpc._channel._InactiveRpcError", "status = StatusCode.UNAVAILABLE"),
    ("transient", "TypeError", "Failed to fetch"),
    ("configuration", "ModuleNotFoundError", "No module named 'x'"),
    ("configuration", "FileNotFoundError", "[Errno 2] No such file or directory: '/etc/x'"),
    ("configuration", "OSError", "[Errno 98] Address already in use"),
    ("configuration", "ssl.SSLCertVerificationError", "certificate verify failed"),
    ("configuration", "requests.exceptions.SSLError", "certificate verify failed"),
    ("configuration", "requests.exceptions.HTTPError", "401 Client Error: Unauthorized for url: x"),
    ("configuration", "sqlalchemy.exc.OperationalError", "(sqlite3.OperationalError) no such table: x"),
    ("configuration", "psycopg.OperationalError", 'FATAL:  password authentication failed for user "x"'),
    ("configuration", "redis.exceptions.AuthenticationError", "WRONGPASS"),
    ("configuration", "botocore.exceptions.NoCredentialsError", "Unable to locate credentials"),
    ("configuration", "openai.AuthenticationError", "Error code: 401 - {}"),
    ("configuration", "django.core.exceptions.ImproperlyConfigured", "x"),
    ("configuration", "celery.exceptions.NotRegistered", "'x'"),
    ("configuration", "jinja2.exceptions.TemplateNotFound", "x.html"),
    ("configuration", "configparser.NoSectionError", "No section: 'x'"),
    ("resource", "MemoryError", ""),
    ("resource", "OSError", "[Errno 28] No space left on device"),
    ("resource", "OSError", "[Errno 24] Too many open files"),
    ("resource", "sqlalchemy.exc.TimeoutError", "QueuePool limit of size 5 overflow 10 reached"),
    ("resource", "psycopg.OperationalError", "FATAL: sorry, too many clients: remaining connection slots are reserved"),
    ("resource", "sqlite3.OperationalError", "database or disk is full"),
    ("resource", "httpx.PoolTimeout", ""),
    ("resource", "openai.RateLimitError", "Error code: 429 - {'error': {'code': 'insufficient_quota'}}"),
    ("resource", "billiard.exceptions.WorkerLostError", "Worker exited prematurely: signal 9 (SIGKILL)"),
    ("resource", "celery.exceptions.SoftTimeLimitExceeded", ""),
    ("resource", "RuntimeError", "can't start new thread"),
    ("resource", "java.lang.OutOfMemoryError", "Java heap space"),
    ("external", "requests.exceptions.HTTPError", "500 Server Error: Internal Server Error for url: x"),
    ("external", "httpx.HTTPStatusError", "Client error '404 Not Found' for url 'x'"),
    ("external", "aiohttp.client_exceptions.ContentTypeError", "unexpected mimetype"),
    ("external", "openai.InternalServerError", "Error code: 500 - {}"),
    ("external", "grpc._channel._InactiveRpcError", "status = StatusCode.INTERNAL"),
    ("external", "smtplib.SMTPDataError", "(554, b'refused')"),
    ("user", "pydantic_core._pydantic_core.ValidationError", "1 validation error for X"),
    ("user", "fastapi.exceptions.RequestValidationError", "[]"),
    ("user", "fastapi.exceptions.HTTPException", "404: Not Found"),
    ("user", "werkzeug.exceptions.NotFound", "404 Not Found: x"),
    ("user", "django.http.response.Http404", "No Order matches"),
    ("user", "marshmallow.exceptions.ValidationError", "{}"),
    ("user", "sqlalchemy.exc.IntegrityError", "(sqlite3.IntegrityError) UNIQUE constraint failed: users.email"),
    ("user", "msgspec.ValidationError", "Expected `int`, got `str`"),
    ("bug", "KeyError", "'x'"),
    ("bug", "TypeError", "'NoneType' object is not subscriptable"),
    ("bug", "RecursionError", "maximum recursion depth exceeded"),
    ("bug", "sqlalchemy.exc.IntegrityError", "(sqlite3.IntegrityError) FOREIGN KEY constraint failed"),
    ("bug", "sqlalchemy.exc.ProgrammingError", '(psycopg.errors.SyntaxError) syntax error at or near "FORM"'),
    ("bug", "jinja2.exceptions.UndefinedError", "'x' is undefined"),
    ("bug", "fastapi.exceptions.ResponseValidationError", "[]"),
    ("bug", "kombu.exceptions.EncodeError", "Object of type X is not JSON serializable"),
    ("bug", "shop.errors.Unheard", "of"),
]  # fmt: skip


@pytest.mark.parametrize(("category", "kind", "message"), KNOWN)
def test_common_errors_have_their_category(category, kind, message):
    found = categorise(error(kind, message))
    assert found.name == category, found
    assert found.action


def test_what_no_rule_knows_is_a_bug_and_says_so():
    assert categorise({}) == categorise(error("shop.Unheard"))
    assert (categorise({}).name, categorise({}).rule) == ("bug", "default")


def test_a_type_is_known_by_its_bases():
    assert (
        categorise(error("shop.WarehouseDown", bases=["shop.Trouble", "ConnectionError", "OSError"])).name
        == "transient"
    )


def test_the_cause_tells_where_the_exception_does_not():
    given = error("shop.OrderError", "not saved")
    given["exceptions"] += [
        {"type": "ConnectionResetError", "message": "[Errno 104] x", "parent": 0, "relation": "cause"},
    ]
    assert categorise(given).name == "transient"


def test_what_was_being_handled_does_not_tell():
    given = error("shop.OrderError", "not saved")
    given["exceptions"] += [{"type": "MemoryError", "message": "", "parent": 0, "relation": "context"}]
    assert categorise(given).rule == "default"


def test_a_message_without_an_exception_is_told_by_its_words():
    assert categorise({"message": "no space left on /data"}).name == "resource"


def test_a_printed_stack_is_told_as_well():
    text = 'Traceback (most recent call last):\n  File "/a.py", line 1, in f\nConnectionResetError: [Errno 104] x\n'
    assert categorise({"stack_trace": text}).name == "transient"


def test_rules_of_the_users_go_first():
    read = rules.read([
        {"type": "KeyError", "service": "api", "category": "user", "action": "Look at the form.", "runbook": "forms"},
        {"type": "*", "path": "*/import/*", "category": "external"},
    ])  # fmt: skip
    found = categorise({**error("KeyError", "'x'"), "service": "api"}, rules=read)
    assert (found.name, found.action, found.runbook, found.rule) == ("user", "Look at the form.", "forms", "your own")
    assert categorise(error("KeyError", "'x'"), rules=read).name == "bug"
    framed = error("KeyError", "'x'", frames=[{"path": "/app/import/a.py"}])
    assert categorise(framed, rules=read).name == "external"


def test_an_unknown_category_in_a_rule_is_refused():
    with pytest.raises(ValueError, match="rule 1: category is 'odd': use one of transient"):
        rules.read([{"type": "x", "category": "odd"}])


def test_every_row_of_the_table_has_a_category_that_is_known():
    tables = (catalogue.TYPES, catalogue.CODES, catalogue.STATUSES, catalogue.MESSAGES, catalogue.PARTICULAR)
    assert {kind.category for table in tables for kind in table} == {*CATEGORIES}


@given(st.text(max_size=30), st.text(max_size=200))
def test_any_error_has_a_category(kind, message):
    assert categorise({"exceptions": [{"type": kind, "message": message}]}).name in CATEGORIES
