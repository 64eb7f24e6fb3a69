"""What belongs together: pure functions over text, with no import of anything else of ours."""

from __future__ import annotations
