"""Frames without what is of the machine, the release and the version of Python: what stays when a line moves.

A place is a module and a function. Line numbers and source text are no part of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from plainview.grouping.libraries import is_library

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from plainview.grouping.rules import Rules

__all__ = ["Place", "chosen", "listed", "place", "places", "platform_of"]

#: Other names of a platform.
_PLATFORMS: Final = {
    "": "python", "node": "javascript", "nodejs": "javascript", "typescript": "javascript", "webjs": "javascript",
    "kotlin": "java", "scala": "java", "android": "java", "golang": "go", "dotnet": "csharp", ".net": "csharp",
    "c#": "csharp",
}  # fmt: skip

#: Folders that applications lie in: what is up to the last of them says nothing about the code.
_CONTAINERS: Final = frozenset(
    (
        "src", "app", "srv", "opt", "usr", "var", "www", "code", "workspace", "workspaces", "build", "builds",
        "current",
        "releases", "release", "deploy", "deployment", "project", "projects", "repo", "repos", "repository", "git",
        "work",
        "home", "users", "root", "tmp", "private", "task", "function", "data", "mnt", "html", "local", "lib", "bin",
        "dist",
        "site-packages", "dist-packages", "checkout", "source", "sources", "folders", "runner", "agent", "_work",
        "volumes",
        "program files", "inetpub", "wwwroot", "node_modules", "layers", "app.asar", "webpack", "github", "documents",
    )
)  # fmt: skip
#: Folders that are followed by one that has a name of its own on each machine.
_NAMED: Final = frozenset(("home", "users", "releases", "tmp", "opt", "srv", "folders", "volumes", "builds"))
#: A folder or part of a name that is of one build: a version, a date, a hash, a number.
_BUILD: Final = re.compile(
    r"v?\d+(?:\.\d+)+(?:[.-]?(?:dev|rc|a|b|post|alpha|beta)\.?\d*)?|\d{3,}|(?=[a-f]{0,64}\d)[0-9a-f]{7,64}"
    r"|[0-9a-f]{8}-[0-9a-f-]{27}|tmp[\w]{6,10}|pytest-\d+|r\d+",
    re.IGNORECASE,
)
_KEPT_PARTS: Final = 3
#: Characters of a frame that are looked at, and remembered.
_LONGEST: Final = 2000
_SCHEME: Final = re.compile(r"^(?:[A-Za-z][\w+.-]{1,15}:/{2,3}[^/]{0,255}|[A-Za-z]:)?")
_SUFFIX: Final = re.compile(
    r"\.(?:py[cwx]?|pyi|m?[jt]sx?|c[jt]s|vue|svelte|java|kts?|scala|groovy|go|rs|rb|php|cs|vb|fs|cpp|cc|c|html?|jinja2?|j2|mako)$"
)
#: A template: its functions are of one making.
_TEMPLATE: Final = re.compile(r"^<template>$|\.(?:html?|jinja2?|j2|mako|txt|xml|md|sql|tpl|tmpl)$")
#: ``main.3f2a9c1d.chunk.js``: the hash of a bundle.
_BUNDLE: Final = re.compile(r"[.-](?=[A-Za-z_-]{0,40}\d)[0-9A-Za-z_]{6,40}(?=\.|$)|\.(?:min|chunk|bundle)(?=\.|$)")

#: Functions that stand around another: those of decorators, and those that an entry point calls.
_WRAPPERS: Final = frozenset(
    (
        "wrapper", "wrapped", "inner", "decorated", "decorator", "_wrapper", "_wrapped", "_inner", "async_wrapper",
        "sync_wrapper",
        "wrapped_f", "wrapper_func", "wrapped_func", "_decorated", "inner_wrapper", "async_inner", "wrapped_view",
        "_wrapped_view", "inner_function", "new_func", "wrap", "_wrap", "async_wrapped", "sync_wrapped", "newfunc",
    )
)  # fmt: skip
_STARTERS: Final = frozenset(("<module>", "main", "_main", "__main__", "async_main", "amain", "main.main"))

#: Name of a comprehension's frame, which Python 3.12 and later no longer make (PEP 709), and of a generator's.
_COMPREHENSION: Final = re.compile(r"(?:^|\.)(?:<locals>\.)?<(?:listcomp|dictcomp|setcomp|genexpr)>$")
_GENERATED: Final = re.compile(r"0x[0-9a-fA-F]+|(?<=_)[0-9a-f]{8,40}$|\d{4,}")


class Place(NamedTuple):
    """Where a frame is, for grouping."""

    module: str
    #: Empty: the frame is part of the one around it (a comprehension of which the function is not told).
    function: str
    in_app: bool
    #: The module in full, for people.
    shown: str
    #: Whether it only stands around another: as a decorator's wrapper, as an entry point.
    wraps: bool = False
    starts: bool = False

    def __str__(self) -> str:
        return f"{self.module} in {self.function}"


def listed(value: object) -> list[Mapping[str, Any]]:
    """The mappings of a list as it came in: whatever else is there is passed over."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list | tuple) else []


def platform_of(name: object) -> str:
    """A platform in the one word that is used for it here."""
    known = str(name or "").lower()
    return _PLATFORMS.get(known, known)


def places(frames: Iterable[Mapping[str, Any]], platform: str, rules: Rules) -> list[Place]:
    """The places of frames, one each, in their order.

    A frame's own ``in_app`` (as Sentry's SDKs say it) goes before what its path tells; the user's rules before both.
    """
    found = []
    for frame in frames:
        look = frame.get
        module, path, file, function, given = (
            look("module"),
            look("path"),
            look("file"),
            look("function"),
            look("in_app"),
        )
        try:
            if len(module or "") + len(path or "") + len(file or "") + len(function or "") > _LONGEST:
                module, path, file, function = (str(one or "")[:_LONGEST] for one in (module, path, file, function))
            if rules.frames:
                given = _ruled(module, path or file, function, given, rules)
            found.append(place(module, path, file, function, given, platform))
        except TypeError:  # something that is no text and cannot be looked up
            texts = (str(one or "")[:_LONGEST] for one in (module, path, file, function))
            found.append(place(*texts, None, platform))
    return found


def _ruled(module: object, path: object, function: object, given: object, rules: Rules) -> object:
    of = {"module": str(module or ""), "path": str(path or "").replace("\\", "/"), "function": str(function or "")}
    return next((rule.in_app for rule in rules.frames if rule.fits(of)), given)


@lru_cache(maxsize=16384)
def place(module: object, path: object, file: object, function: object, in_app: object, platform: str) -> Place:  # noqa: PLR0913, PLR0917 - what tells one from another
    """The place of one frame, its members given apart, as they came."""
    where, module = str(path or file or ""), str(module or "")
    own = in_app if isinstance(in_app, bool) else not is_library(where, module, platform)
    template = platform == "python" and bool(_TEMPLATE.search(where))
    name = "<template>" if template else _function(str(function or ""), platform)
    by_file = template or module in {"", "__main__"} or (platform == "javascript" and bool(where))
    full = (_module_of(where) or module) if by_file else module
    full = _GENERATED.sub("<num>", full).removesuffix(".__init__")
    if platform in {"java", "csharp"}:
        full = re.sub(r"\$\$.*|\$Proxy<?\w*>?.*|(?<=\$)\d+.*|GeneratedMethodAccessor.*", "", full)
    separator = next((one for one in ("::", "/") if one in full), ".")
    parts = full.split(separator)[-_KEPT_PARTS:] if platform == "python" else full.split(separator)
    last = name.rpartition(".")[2]
    return Place(separator.join(parts), name, own, full, last in _WRAPPERS, last in _STARTERS)


def _module_of(path: str) -> str:
    """A module's name from its file's: without the folders that tell machines and releases apart."""
    if path.startswith("<"):
        named = re.match(r"<([A-Za-z_]+(?:[ .][A-Za-z_.]+)?)", path)
        return f"<{named[1]}>" if named else path
    bare = _SCHEME.sub("", path.partition("?")[0].partition("#")[0].replace("\\", "/"), count=1)
    absolute = bare.startswith("/") or bare != path
    parts = [part for part in bare.split("/") if part not in {"", ".", ".."}]
    if not parts:
        return ""
    start, skip = 0, False
    for at, part in enumerate(parts[:-1]):
        lower = part.lower()
        contains = lower in _CONTAINERS or bool(_BUILD.fullmatch(part)) or lower.startswith(("python3", "pypy3"))
        # A container that follows code (``shop/data/…``) is code; a name after a home or a release's folder is not.
        if (
            contains and (at <= start or (absolute and lower in {"src", "site-packages", "dist-packages", "releases"}))
        ) or skip:
            start = at + 1
            skip = absolute and lower in _NAMED
        else:
            skip = False
    kept = [*parts[start:-1], _SUFFIX.sub("", _BUNDLE.sub("", parts[-1]))]
    if len(kept) > 1 and kept[-1] == "__init__":
        kept.pop()
    return ".".join(kept[-_KEPT_PARTS:])


def _function(name: str, platform: str) -> str:
    if platform == "python":
        name = _COMPREHENSION.sub("", name)
        while _COMPREHENSION.search(name):
            name = _COMPREHENSION.sub("", name)
        return _GENERATED.sub("<num>", name.replace(".<locals>", ""))
    for pattern, by in _OTHER.get(platform, ()):
        name = pattern.sub(by, name)
    return _GENERATED.sub("<num>", name)


#: Platform to what is taken away from its functions' names.
_OTHER: Final[dict[str, tuple[tuple[re.Pattern[str], str], ...]]] = {
    platform: tuple((re.compile(pattern), by) for pattern, by in patterns)
    for platform, patterns in {
        "javascript": (
            (r"^(?:async|new|get|set|static) ", ""),
            (r" \[as [^\]]{1,80}\]$", ""),
            (r"^Object\.", ""),
            # Minified: another letter with every build.
            (r"(?:^|(?<=\.))[A-Za-z_$]{1,2}\d?(?=\.|$)", "?"),
            (r"^(?:\?\.)+", ""),
            (r"^(?:<anonymous>|anonymous)?$", "?"),
        ),
        "java": ((r"^(lambda\$\w{1,80}?)\$\d+$", r"\1"), (r"^access\$\d+$", "access"), (r"\$\d+$", "")),
        "go": ((r"\[[^\]]{0,200}\]", ""), (r"(?:\.func\d+|\.gowrap\d+|\.\d+)+$", ".func"), (r"-fm$", "")),
        "rust": ((r"::h[0-9a-f]{16}$", ""), (r"(?:::\{\{?closure\}?\}(?:#\d+)?)+", ""), (r"::\{closure#\d+\}", "")),
        "csharp": (
            (r"^.*?<(\w{1,80})>[db]__\d+(?:_\d+)?(?:\.MoveNext)?(?:\(\))?$", r"\1"),
            (r"<>c__DisplayClass\d+_\d+\.?", ""),
            (r"\(.*\)$", ""),
        ),
        "ruby": ((r"^(?:block (?:\(\d+ levels\) )?in|rescue in|ensure in) ", ""),),
        "php": ((r"\{closure.*", "{closure}"),),
    }.items()
}


def chosen(found: Sequence[Place], most: int) -> list[Place]:
    """The places that tell an error from others, innermost first.

    The application's own, each once however deep the recursion was; without decorators' wrappers and entry points
    unless there is nothing else. Where no frame is the application's, the libraries' nearest to what failed.
    """
    own: dict[tuple[str, str], Place] = {}
    aside: list[Place] = []
    first = True
    for one in reversed(found):
        if not one.in_app:
            continue
        # A wrapper that fails by itself is where it happens; an entry point tells only when there is nothing else. A
        # comprehension of which the function is not told belongs to a frame around it.
        if (one.wraps and not first) or one.starts or not one.function:
            aside.append(one)
        else:
            own.setdefault(one[:2], one)
            if len(own) == most:
                break
        first = False
    if own or aside:
        return [*own.values()] or sorted(aside, key=lambda one: not one.function)[:1]
    return [*{one[:2]: one for one in reversed(found)}.values()][:most]
