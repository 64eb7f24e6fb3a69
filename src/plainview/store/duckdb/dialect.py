"""DuckDB's spelling of the things that engines spell differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DuckDBDialect"]


def _pointer(path: Sequence[str]) -> str:
    """A JSON pointer (RFC 6901) as an SQL string; a key may hold any character."""
    pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)
    return "'" + pointer.replace("'", "''") + "'"


class DuckDBDialect:
    """See :class:`plainview.store.interface.Dialect`."""

    name = "duckdb"

    def time_bucket(self, column: str, width_ms: int, origin_us: int = 0) -> str:
        """Number of the bucket that a time falls in."""
        # In doubles: exact up to 2^53 microseconds (the year 2255), and rounding down before the origin too.
        return f"CAST(floor((epoch_us({column}) - {int(origin_us)}) / {int(width_ms) * 1000}) AS BIGINT)"

    def epoch_us(self, column: str) -> str:
        """A time as microseconds since 1970."""
        return f"epoch_us({column})"

    def attribute(self, column: str, path: Sequence[str]) -> str:
        """The value at a path of a JSON column, as text."""
        return f"json_extract_string({column}, {_pointer(path)})"

    def attribute_number(self, column: str, path: Sequence[str]) -> str:
        """The value at a path as a double."""
        return f"TRY_CAST({self.attribute(column, path)} AS DOUBLE)"

    def attribute_keys(self, column: str) -> str:
        """The top-level keys of a JSON column."""
        return f"json_keys({column})"

    def quantile(self, column: str, q: float) -> str:
        """The exact quantile, interpolated."""
        return f"quantile_cont({column}, {float(q)!r})"

    def contains(self, column: str, parameter: str = "?") -> str:
        """Substring without regard to case."""
        return f"contains(lower({column}), lower({parameter}))"

    def starts_with(self, column: str, parameter: str = "?") -> str:
        """Prefix with regard to case."""
        return f"starts_with({column}, {parameter})"
