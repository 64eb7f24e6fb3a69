"""Plainview: a Python application in plain view."""
