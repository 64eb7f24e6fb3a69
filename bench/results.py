"""What came out: medians, ratios to the peers, and whether the goals are reached."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from bench.cases import FIGURES, OURS

if TYPE_CHECKING:
    from bench.cases import Case, Goal

    #: Contender → figure → value of each round.
    Rounds = dict[str, dict[str, list[float]]]

__all__ = ["summary"]


def summary(case: Case, count: int, rounds: Rounds, absent: dict[str, str]) -> dict[str, Any]:
    """A case in the form of the JSON file."""
    if "bare" in rounds:
        _subtract_bare(rounds)
    return {
        "name": case.name,
        "title": case.title,
        "count": count,
        "contenders": {
            contender: {
                figure: {"median": statistics.median(values), "rounds": values} for figure, values in figures.items()
            }
            for contender, figures in rounds.items()
        },
        "absent": absent,
        "goals": [judged for goal in case.goals if (judged := _judge(goal, rounds)) is not None],
    }


def _subtract_bare(rounds: Rounds) -> None:
    """What a contender adds to the application, round by round."""
    bare = rounds["bare"]["cpu_us"]
    for contender, figures in rounds.items():
        if contender != "bare":
            figures["added_us"] = [with_it - without for with_it, without in zip(figures["cpu_us"], bare, strict=True)]


def _judge(goal: Goal, rounds: Rounds) -> dict[str, Any] | None:
    """A goal, what was reached, and whether that is enough. None: those it is about did not take part."""
    if goal.figure not in rounds.get(OURS, {}):
        return None
    ours = rounds[OURS][goal.figure]
    figure = FIGURES[goal.figure]
    if goal.ratio is None:
        value = statistics.median(ours)
        limit = goal.most if goal.most is not None else goal.least
        text = f"{figure.title} {'≤' if goal.most is not None else '≥'} {limit:,} {figure.unit}"
        reached = value <= goal.most if goal.most is not None else value >= (goal.least or 0)
        return {"text": text, "value": value, "limit": limit, "reached": reached}
    peers = {name: figures[goal.figure] for name, figures in rounds.items() if goal.figure in figures}
    peers = {name: values for name, values in peers.items() if not name.startswith(OURS)}
    peer = goal.peer or min(peers, key=lambda name: statistics.median(peers[name]), default="")
    if peer not in peers:
        return None
    # The rounds are compared one by one: whatever else the machine did then, it did to both.
    value = statistics.median(mine / theirs for mine, theirs in zip(ours, peers[peer], strict=True))
    share = f"1/{round(1 / goal.ratio)} of " if goal.ratio < 1 else ""
    whom = peer if goal.peer else f"the fastest ({peer}), give or take 5 %"
    return {
        "text": f"{figure.title} ≤ {share}{whom}",
        "value": value,
        "limit": goal.ratio,
        "reached": value <= goal.ratio,
    }
