"""Runs: a whole execution of a batch script, with what it was given, what it used, and a summary at its end."""
