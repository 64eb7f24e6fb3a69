"""What can be asked of runs: which there were, one whole, two side by side, how they change, why one failed.

A run is an operation of the kind ``run``; its id, as the application knows it, is on every record that was made inside,
whichever thread or process made it. What belongs to a run is what carries its id.
"""

from __future__ import annotations
