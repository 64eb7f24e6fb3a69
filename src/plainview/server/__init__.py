"""The HTTP side: one process that takes records in, answers questions and serves the screen."""

from __future__ import annotations
