"""What a process exposes: read with prometheus_client's own parser."""

from __future__ import annotations

from harness import call
from prometheus_client.parser import text_string_to_metric_families

import plainview


class Samples:
    """The samples of an exposition in Prometheus's text format."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        """The value of one series; None: there is no such series."""
        return self._values.get((name, frozenset(labels.items())))

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        """All series of a name: values of its labels, sorted by the labels' names → value."""
        return {
            tuple(value for _, value in sorted(labels)): number
            for (found, labels), number in self._values.items()
            if found == name
        }


async def exposed() -> Samples:
    """What this process exposes."""

    async def nothing(scope, receive, send):
        raise AssertionError

    response = await call(plainview.mount(nothing), "/metrics")
    assert response.status == 200
    return Samples(response.body.decode())
