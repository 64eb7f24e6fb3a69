"""Which metrics there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plainview.query.metrics.source import StoredMetrics

__all__ = ["catalogue"]


def catalogue(metrics: StoredMetrics, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
    """Every metric that has series in a range of time: name, kind, unit, help, names of labels, number of series.

    The parts of a histogram count as one metric. ``series`` counts what is drawn, so for a histogram its label sets.
    """
    found: dict[str, dict[str, Any]] = {}
    labels: dict[str, set[str]] = {}
    sets: dict[str, set[frozenset[tuple[str, str]]]] = {}
    for one in metrics.series((), start_ms, end_ms):
        found[one.family] = {
            "name": one.family,
            "kind": one.kind or "unknown",
            "unit": one.unit,
            "description": one.description,
        }
        own = {name: value for name, value in one.labels.items() if name not in ("__name__", "le")}
        labels.setdefault(one.family, set()).update(own)
        sets.setdefault(one.family, set()).add(frozenset(own.items()))
    return [found[name] | {"labels": sorted(labels[name]), "series": len(sets[name])} for name in sorted(found)]
