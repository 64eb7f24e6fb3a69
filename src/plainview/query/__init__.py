"""What can be asked of the store: logs, traces, services.

Every value that comes from a person or from a record travels as a parameter; SQL is put together from this
package's own words alone.
"""

from __future__ import annotations
