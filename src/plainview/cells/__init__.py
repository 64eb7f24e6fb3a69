"""The cells of a process's metrics, as they stand on the disk: what both halves must agree on.

In its stream's folder a process keeps four kinds of file beside its segments:

- ``cells``: float64 slots, mapped into memory; each increment is one store into one of them, and outlives the process.
- ``cells.series``: which slot is what: lines of JSON, appended before a slot is first used.
- ``cells.emitted-0``, ``cells.emitted-1``: what the slots held when a snapshot was written, by turns, with its number.
- ``cells.done``: the last increase has been written and added to the totals of the dead (`finalise`).

Whoever finds a dead stream can tell from them what of its counts nobody has been told yet.
"""

from plainview.cells.final import finalise, process_of
from plainview.cells.form import (
    CELLS,
    DONE,
    EMITTED,
    SCALE,
    SERIES,
    SLOTS,
    Bucket,
    Metric,
    Removed,
    Row,
    decode,
    encode,
    is_cells_file,
)
from plainview.cells.increase import Increase, closing, lines
from plainview.cells.reading import Reading, bank, mark_told, read, write_bank
from plainview.cells.totals import AGGREGATIONS, Totals, begin_anew, totals_of

__all__ = [
    "AGGREGATIONS",
    "CELLS",
    "DONE",
    "EMITTED",
    "SCALE",
    "SERIES",
    "SLOTS",
    "Bucket",
    "Increase",
    "Metric",
    "Reading",
    "Removed",
    "Row",
    "Totals",
    "bank",
    "begin_anew",
    "closing",
    "decode",
    "encode",
    "finalise",
    "is_cells_file",
    "lines",
    "mark_told",
    "process_of",
    "read",
    "totals_of",
    "write_bank",
]
