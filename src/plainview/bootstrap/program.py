"""Which program an interpreter runs, by its command line: whether to capture it, and what to call its service."""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Program"]

#: Programs that are tools, not applications: what they do is of no interest to anybody who looks at an application.
_TOOLS: Final = frozenset(
    {
        "black", "build", "compileall", "conda", "ensurepip", "flake8", "flit", "hatch", "isort", "mypy", "pdm", "pip",
        "pipx", "plainview", "poetry", "pre-commit", "pre_commit", "py_compile", "pyproject_hooks", "ruff", "setup",
        "site", "sysconfig", "tox", "twine", "uv", "venv", "virtualenv", "wheel",
    }
)  # fmt: skip
#: Helpers of the standard library's own that run no code of the application.
_HELPERS: Final = ("from multiprocessing.resource_tracker ", "from multiprocessing.semaphore_tracker ")
#: Servers and their like, named by what they serve.
_SERVERS: Final = frozenset(
    {"uvicorn", "gunicorn", "hypercorn", "daphne", "granian", "waitress-serve", "fastapi", "uwsgi"}
)
#: Names that say nothing: the folder says more.
_DULL: Final = frozenset(
    {"__main__", "api", "app", "application", "asgi", "main", "manage", "run", "server", "wsgi", "config"}
)
_TARGET: Final = re.compile(r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::[A-Za-z_][\w.]*(?:\(.*\))?)?$")
_VERSION: Final = re.compile(r"[\d.]+$")


class Program(NamedTuple):
    """What an interpreter was told to run.

    ``kind`` is ``module`` (``-m``), ``command`` (``-c``), ``script`` or ``""`` (interactive, or from standard input);
    ``name`` the module, the code or the path; ``arguments`` what follows.
    """

    kind: str
    name: str
    arguments: tuple[str, ...]

    @classmethod
    def of(cls, argv: Sequence[str]) -> Program:
        """The program of a whole command line, ``sys.orig_argv``."""
        rest = list(argv[1:])
        while rest:
            option = rest.pop(0)
            if not option.startswith("-") or option == "-":
                return cls("script" if option != "-" else "", option, tuple(rest))
            if option == "--check-hash-based-pycs":
                rest[:1] = []
            if option.startswith("--"):
                continue
            for place, letter in enumerate(option[1:], 2):
                if letter in "cmWX":
                    value = option[place:] or (rest.pop(0) if rest else "")
                    if letter in "cm":
                        return cls({"c": "command", "m": "module"}[letter], value, tuple(rest))
                    break
        return cls("", "", ())

    @property
    def stem(self) -> str:
        """The program's own name: of a script without its folder and ending, of a module without its package's rest."""
        if self.kind == "module":
            return self.name.partition(".")[0]
        if self.kind != "script":
            return ""
        path = PurePath(self.name)
        stem = path.parent.name if path.name == "__main__.py" else path.name.removesuffix(".py")
        return _VERSION.sub("", stem) or stem

    def is_application(self) -> bool:
        """Whether it is worth capturing."""
        if self.kind == "command":
            return not self.name.startswith(_HELPERS)
        return self.stem not in _TOOLS and "pyproject_hooks" not in self.name

    def service(self, directory: str, environ: Mapping[str, str]) -> str:
        """What to call the service: what a server serves, else the program; the folder where that says nothing."""
        stem = self.stem
        name = stem
        if stem in _SERVERS:
            name = self._target() or "app"
        elif stem == "flask":
            name = self._option("--app", "-A") or environ.get("FLASK_APP", "") or "app"
        elif stem == "celery":
            app = self._option("--app", "-A") or environ.get("CELERY_APP", "")
            role = next((word for word in self.arguments if word in {"worker", "beat", "flower"}), "")
            return "-".join(filter(None, (_named(app, directory) if app else stem, role)))
        elif stem == "dramatiq":
            modules = (word for word in self.arguments if _TARGET.match(word))
            return f"{_named(next(modules, stem), directory)}-worker"
        elif stem == "rq":
            role = next((word for word in self.arguments if word in {"worker", "worker-pool", "cron"}), "")
            return f"rq-{role}" if role else stem
        elif self.kind not in {"script", "module"}:
            return "python"
        return _named(name, directory) or "python"

    def _target(self) -> str:
        # The one argument of the form `package.module:object`, or the file that FastAPI's own command is given.
        for word in self.arguments:
            if (":" in word and _TARGET.match(word)) or (self.stem == "fastapi" and word.endswith(".py")):
                return word
        return ""

    def _option(self, *names: str) -> str:
        for place, word in enumerate(self.arguments):
            if word in names:
                return self.arguments[place + 1] if place + 1 < len(self.arguments) else ""
            name, separator, value = word.partition("=")
            if separator and name in names:
                return value
        return ""


def _named(target: str, directory: str) -> str:
    """``studio.api:app`` → studio; ``main:app``, ``app.py`` → the folder's name."""
    target = target.partition(":")[0]
    path = PurePath(target)
    name = path.stem if target.endswith(".py") or os.sep in target else target.partition(".")[0]
    if name not in _DULL:
        return name
    folder = PurePath(os.path.normpath(os.path.join(directory, path.parent if target.endswith(".py") else ""))).name  # noqa: PTH118 - lexical, the file system is not asked
    return folder or name
