"""The API of a running server, as commands use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec

from plainview.sinks.text import visible

if TYPE_CHECKING:
    from plainview.settings import Settings

__all__ = ["Api", "Failed", "Gone", "told"]

_TIMEOUT: Final = httpx.Timeout(35.0, connect=5.0)


class Failed(Exception):  # noqa: N818 - it says how things stand
    """What to tell the person, and nothing more."""


class Gone(Failed):
    """No server runs."""


class Api:
    """A running server, found again when it moved.

    Args:
        settings: ``dir`` and ``token``.
        url: where it is; the directory knows when left out.
        command: name of the command, for what is told when there is none.
    """

    def __init__(self, settings: Settings, url: str | None, command: str) -> None:
        self._directory = Path(settings.dir).absolute()
        self._given = url.rstrip("/") if url else None
        self._command = command
        headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        self.client = httpx.Client(headers=headers, timeout=_TIMEOUT, trust_env=self._given is not None)

    @property
    def url(self) -> str:
        """Where the server answers.

        Raises:
            Gone: none runs.
        """
        from plainview.server.presence import running

        if self._given:
            return self._given
        found = running(self._directory)
        if found is None:
            msg = (
                f"no server runs for {self._directory}.\n"
                f"Start one:  plainview serve --dir {self._directory}\n"
                f"or name one:  plainview {self._command} --url http://…"
            )
            raise Gone(msg)
        return found.url

    def get(self, path: str, query: dict[str, Any] | None = None) -> bytes:
        """The answer to a question.

        Raises:
            Failed: there is none; the message says why.
        """
        return self._answer("GET", path, params=query or None)

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        """The answer to a request with a body. Errors are those of :meth:`get`."""
        return self._answer("POST", path, json=body)

    def _answer(self, method: str, path: str, **given: Any) -> bytes:  # noqa: ANN401 - httpx's own
        url = self.url
        try:
            response = self.client.request(method, url + path, **given)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            msg = f"{url} does not answer: {str(error) or type(error).__name__}"
            raise Failed(msg) from None
        if not response.is_success:
            raise Failed(told(response, str((given.get("json") or {}).get("q", ""))))
        return response.content


class _FieldError(msgspec.Struct):
    field: str
    position: int | None = None


class _Problem(msgspec.Struct):
    detail: str
    errors: list[_FieldError] = []


def told(response: httpx.Response, query: str) -> str:
    """What the server says is wrong; of a query, with a mark below the place."""
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except msgspec.MsgspecError:
        return f"{response.url} answered {response.status_code} {response.reason_phrase}"
    hint = " (set PLAINVIEW_TOKEN)" if response.status_code == httpx.codes.UNAUTHORIZED else ""
    place = next((error.position for error in problem.errors if error.field == "q"), None)
    mark = "" if place is None else f"\n  {visible(query)}\n  {' ' * len(visible(query[:place]))}^"
    return visible(problem.detail) + hint + mark
