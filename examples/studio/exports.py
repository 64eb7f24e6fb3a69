"""Books in forms that others can read, each made by a plugin of its own."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from studio.database import Book

__all__ = ["FORMS", "export"]

#: Form → the module that makes it. The one for e-books is bought separately, and nobody installed it.
FORMS: Final = {"epub": "studio_epub", "text": "studio.prose"}


def export(book: Book, form: str) -> str:
    """The whole of a book.

    Raises:
        ImportError: what makes this form is not installed.
    """
    import_module(FORMS[form])
    return "\n\n".join(f"{chapter.title}\n{chapter.text}" for chapter in book.chapters)
