"""Whose code a frame is: the application's, or a library's, the language's own or generated."""

from __future__ import annotations

import re
import sys
from typing import Final

__all__ = ["FOLDERS", "NAMESPACES", "is_library"]

#: Parts of a path that make a file a library's (forward slashes, lower case), whatever the platform.
FOLDERS: Final[tuple[str, ...]] = (
    "site-packages", "dist-packages", "node_modules", "bower_components", "vendor", "gems", ".cargo/registry",
    ".cargo/git",
    "rustc", "go/pkg/mod", "usr/local/go/src", "usr/lib/go", "libexec/src", ".m2/repository", "pyodide",
    "webpack/bootstrap",
    # Ours, that stand around the application's calls.
    "plainview/capture", "plainview/integrations", "plainview/bootstrap",
)  # fmt: skip
#: A Python's own library, wherever it is installed: Unix, Windows, an archive, PyPy.
_STDLIB: Final = re.compile(
    r"(?:^|/)lib(?:64)?/(?:python|pypy)\d(?:\.\d{1,2})?t?/|/(?:python|pypy)[\d.-]{0,10}[^/]{0,20}/(?:x64/)?lib/"
    r"|python\d{2,3}t?\.zip/|\.framework/versions/[\d.]{1,6}/lib/|/appdata/local/programs/python/"
)
#: A release's folder of Go's standard library.
_GO: Final = re.compile(
    r"(?:^|/)go(?:root|\d[\d.]{0,8})?/src/(?:runtime|net|internal|sync|os|io|fmt|reflect|database)/"
)
#: In an archive, an installer's or a package manager's folder.
_ARCHIVE: Final = re.compile(r"\.(?:egg|whl|pyz|jar)/")
#: Names in angle brackets that are code of the application: what was typed in, or its template.
_TYPED: Final = re.compile(r"<(?:stdin|console|template|unknown|ipython-input|doctest|anonymous|module)\b")

#: Platform to the first parts of modules that are the language's own or common libraries'.
NAMESPACES: Final[dict[str, tuple[str, ...]]] = {
    "java": (
        "java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "kotlin.", "kotlinx.", "scala.", "groovy.",
        "clojure.",
        "org.springframework.", "org.apache.", "org.hibernate.", "org.eclipse.", "org.junit.", "org.postgresql.",
        "org.jboss.", "io.netty.", "io.grpc.", "io.vertx.", "io.micrometer.",
        "io.undertow.", "io.quarkus.", "com.netflix.", "reactor.", "rx.", "akka.", "okhttp3.",
        "com.fasterxml.", "com.google.common.", "com.zaxxer.", "com.mysql.", "ch.qos.logback.", "net.bytebuddy.",
        "android.", "androidx.", "dalvik.", "com.android.",
    ),
    "csharp": ("System.", "Microsoft.", "Npgsql.", "Newtonsoft.", "MassTransit.", "Grpc.", "Serilog.", "Polly."),
    "javascript": ("node:", "internal/", "native ", "(native", "webpack/runtime", "chrome-extension:",
    "moz-extension:"),
    "go": (
        "runtime.", "runtime/", "net/", "net.", "internal/", "sync.", "sync/", "os.", "io.", "bufio.", "reflect.",
        "encoding/", "database/sql.", "context.", "testing.", "strconv.", "time.", "syscall.", "fmt.", "crypto/",
        "google.golang.org/", "golang.org/x/",
    ),
    "rust": ("std::", "core::", "alloc::", "<alloc::", "<core::", "<std::", "tokio::", "rust_begin_unwind", "__rust_"),
    "ruby": ("/usr/lib/ruby/", "<internal:"),
}  # fmt: skip

_PYTHON: Final = sys.stdlib_module_names | {
    "asynchat", "asyncore", "distutils", "imp", "smtpd", "cgi", "cgitb", "telnetlib", "nntplib", "crypt", "pipes", "uu",
    "compression", "annotationlib", "concurrent", "pathlib", "sysconfig",
}  # fmt: skip


def is_library(path: str, module: str, platform: str) -> bool:
    """Whether a frame is not the application's own.

    Args:
        path: of the file, as it came; empty where it is not known.
        module: dotted name, package or class; empty where it is not known.
        platform: ``python``, ``java``, ``javascript``, ``go``, ``csharp``, ``rust`` …
    """
    place = path.replace("\\", "/").lower()
    if place.startswith("<"):
        return not _TYPED.match(place)
    slashed = f"/{place}"
    if any(f"/{folder}/" in slashed for folder in FOLDERS):
        return True
    if _STDLIB.search(slashed) or _ARCHIVE.search(slashed) or _GO.search(slashed):
        return True
    if platform == "python":
        top = module.partition(".")[0]
        # An application's own module may be called as one of the standard library's: its file tells.
        return not place.startswith(("/", ".")) and place[1:3] != ":/" and top in _PYTHON
    named = NAMESPACES.get(platform, ())
    return module.startswith(named) or path.startswith(named)
