"""Metrics on their way into the store: increases of many processes become one history of totals."""
