"""Bytes from outside become records in the store, each line once."""
