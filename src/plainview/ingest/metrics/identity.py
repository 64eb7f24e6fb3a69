"""Who a series is: its labels, and the number that follows from them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.records import MetricRecord

__all__ = ["MOST_VALUE", "labels_of", "series_id"]

#: Longest value of a label that is kept, characters.
MOST_VALUE: Final = 16_384
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def labels_of(record: MetricRecord, own: Mapping[str, str]) -> dict[str, str]:
    """The labels of a series of a process, with ``job``, ``instance`` and ``environment``.

    What the user named so himself is called ``exported_job`` and so on, as Prometheus does it with what it scrapes.
    """
    ours = {"job": record.service, "instance": record.host, "environment": record.environment}
    ours = {name: value for name, value in ours.items() if value}
    labels = {}
    for name, value in own.items():
        if value:
            shown = name
            while shown in ours or (shown != name and shown in own):
                shown = f"exported_{shown}"
            labels[shown] = value if len(value) <= MOST_VALUE else value[: MOST_VALUE - 1] + "…"
    return labels | ours


def series_id(name: str, labels: Mapping[str, str]) -> int:
    """The number of a series in the store: the same labels have the same, always and everywhere."""
    digest = hashlib.blake2b(_encode((name, {key: value for key, value in labels.items() if value})), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)
