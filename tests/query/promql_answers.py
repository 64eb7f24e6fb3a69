"""Two answers in the form of Prometheus's API: are they the same?"""

from __future__ import annotations

import numpy as np


def table(data):
    """Labels → times and values."""
    if data["resultType"] == "scalar":
        return {(): [data["result"]]}
    return {
        tuple(sorted(one["metric"].items())): one["values"] if "values" in one else [one["value"]]
        for one in data["result"]
    }


def assert_same(ours, theirs, what=""):
    """The same kind, series and times, and values within a billionth."""
    assert ours["resultType"] == theirs["resultType"], what
    if ours["resultType"] == "string":
        assert ours == theirs
        return
    mine, other = table(ours), table(theirs)
    assert len(mine) == len(ours["result"]) or ours["resultType"] == "scalar", what
    assert mine.keys() == other.keys(), what
    for labels, expected in other.items():
        assert [time for time, _ in mine[labels]] == [time for time, _ in expected], (what, labels)
        got = np.array([float(value) for _, value in mine[labels]])
        want = np.array([float(value) for _, value in expected])
        same = np.isclose(got, want, rtol=1e-9, atol=1e-300, equal_nan=True)
        assert same.all(), (what, labels, got[~same][:3], want[~same][:3])
