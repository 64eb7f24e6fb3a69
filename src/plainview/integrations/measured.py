"""Requests in numbers: how many, how long, how large, how many at once, by method and route.

The names are those of `plainview.capture.metrics.families.HTTP`, under the prefix that the settings give. The route is
the template that matched, never the path: a client can make up paths without end, and so it can methods.
"""

from __future__ import annotations

from typing import Any, Final

from plainview.capture.metrics.families import feed, http_families, http_style

__all__ = ["UNMATCHED", "Requests", "Route"]

#: Places in `plainview.capture.metrics.families.HTTP`.
_TOTAL, _IN_PROGRESS, _HISTOGRAMS = 0, 2, (1, 3, 4)

#: The route of a request that matched none, of one that was not routed yet, and of all where no route is known.
UNMATCHED: Final = "unmatched"
#: Bound series that are remembered; more routes than this have theirs looked up each time.
_REMEMBERED: Final = 2_000


class Route:
    """The series of one method and route, bound when first needed."""

    __slots__ = ("_family", "_histograms", "_labels", "_status", "_totals", "in_progress", "method", "route")

    def __init__(self, family: tuple[Any, ...], method: str, route: str, names: tuple[str, str]) -> None:
        #: What it was made for; the route as the request has it.
        self.method: Final = method
        self.route: Final = route
        self._family: Final = family
        self._labels: Final = {"method": method, names[0]: route or UNMATCHED}
        self._status: Final = names[1]
        self._totals: Final[dict[int, Any]] = {}
        self._histograms: tuple[Any, ...] | None = None
        self.in_progress: Final = family[_IN_PROGRESS].labels(**self._labels)

    def answered(self, status: int, duration: float, received: int, sent: int) -> None:
        """Count a request that was answered.

        Args:
            status: of the answer.
            duration: seconds.
            received: bytes of the request's body.
            sent: bytes of the answer's body.
        """
        total = self._totals.get(status)
        if total is None:
            total = self._totals[status] = self._family[_TOTAL].labels(**self._labels, **{self._status: str(status)})
        histograms = self._histograms
        if histograms is None:
            histograms = self._histograms = tuple(self._family[each].labels(**self._labels) for each in _HISTOGRAMS)
        total.inc()
        histograms[0].observe(duration)
        if received:
            histograms[1].observe(received)
        if sent:
            histograms[2].observe(sent)


class Requests:
    """The family of HTTP under one prefix.

    Args:
        prefix: of the names.
    """

    def __init__(self, prefix: str) -> None:
        style = http_style(prefix)
        self._names: Final = (style.route, style.status)
        self._family: Final = tuple(map(feed, http_families(prefix)))
        self._routes: Final[dict[tuple[str, str], Route]] = {}

    def route(self, method: str, route: str) -> Route:
        """The series of a method that is known and a route; an empty one has matched nothing."""
        found = self._routes.get((method, route))
        if found is None:
            if len(self._routes) >= _REMEMBERED:
                self._routes.clear()
            found = self._routes[method, route] = Route(self._family, method, route, self._names)
        return found
