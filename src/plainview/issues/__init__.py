"""Errors that belong together, worked off: what the occurrences in the store make of the state, and what people do."""
