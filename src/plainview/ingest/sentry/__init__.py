"""Sentry's protocol: envelopes become the records of our own.

https://develop.sentry.dev/sdk/foundations/envelopes/
"""

from plainview.ingest.sentry.envelope import Envelope, Item, MalformedEnvelope, parse, single
from plainview.ingest.sentry.intake import REMEMBERED, Seen, Taken, take

__all__ = ["REMEMBERED", "Envelope", "Item", "MalformedEnvelope", "Seen", "Taken", "parse", "single", "take"]
