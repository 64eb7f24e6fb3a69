"""Sentry's SDK, started with its defaults; nothing is sent before there is an event."""

from __future__ import annotations

START = "import sentry_sdk; sentry_sdk.init(dsn='http://public@127.0.0.1:9/1')"
FIRST = "sentry_sdk.add_breadcrumb(message='ready', data={'step': 1})"
