"""Metrics out of the store: which series there are, and their samples."""
