"""Metrics: instruments, their cells, snapshots, and what ``/metrics`` shows."""
