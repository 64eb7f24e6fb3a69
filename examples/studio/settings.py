"""What the studio's processes read from the environment, once."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

__all__ = ["API_URL", "DATABASE", "EPOCH", "PROVIDER_URL", "RATE"]

#: The SQLite file that the API and the worker share.
DATABASE: Final = Path(os.environ.get("STUDIO_DATABASE", "studio.db"))
#: Where the provider listens.
PROVIDER_URL: Final = os.environ.get("STUDIO_PROVIDER_URL", "http://127.0.0.1:8001")
#: Where the API listens.
API_URL: Final = os.environ.get("STUDIO_API_URL", "http://127.0.0.1:8000")
#: Mean of the traffic, requests a second.
RATE: Final = float(os.environ.get("STUDIO_RATE", "6"))
#: When the studio was opened, seconds since 1970: the schedule of faults counts from there, in every process alike.
EPOCH: Final = float(os.environ.get("STUDIO_EPOCH") or time.time())
