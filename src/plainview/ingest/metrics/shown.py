"""Totals as `plainview.exposition` shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainview.exposition import Family, Histogram, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainview.ingest.metrics.totals import Metric

__all__ = ["families"]


def families(metrics: Iterable[Metric]) -> list[Family]:
    """The metrics of all services and hosts, those of one name together."""
    found: dict[tuple[str, str, tuple[float, ...]], Family] = {}
    for metric in metrics:
        for total in metric.totals.values():
            shown = total.shown()
            if shown is None:
                continue
            bounds = tuple(getattr(total, "bounds", ()))
            family = found.get((metric.name, metric.kind, bounds))
            if family is None:
                family = Family(metric.name, metric.kind, metric.unit, metric.description, bounds, [], [])
                found[metric.name, metric.kind, bounds] = family
            if isinstance(shown, Histogram):
                family.histograms.append(shown)
            elif isinstance(shown, Sample):
                family.samples.append(shown)
    return list(found.values())
