"""What the server says of itself, as metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from plainview.exposition import Family, Sample

if TYPE_CHECKING:
    from plainview.server.state import State

__all__ = ["own_metrics"]

#: Name, kind, unit, what it is, and where the pipeline counts it.
_INGEST: Final = (
    ("plainview_ingest_lines_total", "counter", "", "Lines read.", "lines"),
    ("plainview_ingest_bytes_total", "counter", "bytes", "Bytes of lines read.", "bytes"),
    ("plainview_ingest_garbage_lines_total", "counter", "", "Lines that were no records.", "garbage_lines"),
    ("plainview_ingest_batches_total", "counter", "", "Transactions stored.", "batches"),
    ("plainview_ingest_errors_total", "counter", "", "Things that went wrong and were tried again.", "errors"),
    ("plainview_ingest_lag_bytes", "gauge", "bytes", "Bytes that wait to be read.", "lag_bytes"),
    ("plainview_ingest_dropped_records", "gauge", "", "Records that applications dropped.", "dropped_total"),
)
_FOLD: Final = (
    ("plainview_metrics_series", "gauge", "", "Series of applications that live.", "series"),
    ("plainview_metrics_processes", "gauge", "", "Processes that have series.", "processes"),
    ("plainview_metrics_waiting_points", "gauge", "", "Points that wait for their tick.", "waiting"),
    ("plainview_metrics_refused_points", "gauge", "", "Points that were left out.", "refused"),
)
_STORE: Final = (
    ("plainview_store_bytes", "gauge", "bytes", "Size of the store.", "bytes"),
    ("plainview_store_sealed_bytes", "gauge", "bytes", "Size of its sealed files.", "sealed_bytes"),
    ("plainview_store_sealed_files", "gauge", "", "Number of its sealed files.", "sealed_files"),
    ("plainview_store_free_bytes", "gauge", "bytes", "Room on its disk.", "free_bytes"),
)


def own_metrics(here: State) -> list[Family]:
    """Families about ingest and the store. Asks the store: call it in a thread."""
    ingest, store = here.pipeline.stats(), here.store.stats()
    families = [
        Family(name, kind, unit, text, samples=[Sample((), float(values[key]))])
        for table, values in ((_INGEST, ingest), (_FOLD, here.pipeline.fold.stats()), (_STORE, store))
        for name, kind, unit, text, key in table
    ]
    rows = [Sample((("table", name),), float(count)) for name, count in store["rows"].items()]
    families.append(Family("plainview_store_rows", "gauge", "", "Rows of each table.", samples=rows))
    uptime = [Sample((), here.uptime)]
    families.append(Family("plainview_uptime_seconds", "gauge", "seconds", "Since the start.", samples=uptime))
    return families
