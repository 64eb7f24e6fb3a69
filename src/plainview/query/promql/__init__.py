"""PromQL: parsed, and evaluated over all series and all steps at once.

The rules are Prometheus 2.42's, the one that the tests compare with: ranges closed at both ends, a lookback of five
minutes, staleness markers, its extrapolation of rates, its words in errors.
"""

from __future__ import annotations
