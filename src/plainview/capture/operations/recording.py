"""Writes the lines of kind ``operation``: one for each event in the life of an operation.

What is the same for all operations of a kind and name is encoded once; a line is these bytes and those of the event,
joined and copied into the spool, as `plainview.capture.recorder.Recorder.log` does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.capture.clock import THOUSAND, millisecond
from plainview.capture.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.capture.recorder import Recorder
    from plainview.context import Bound

__all__ = ["Recording"]

_LONGEST_NAME: Final = 256
#: Members whose text comes from the application.
_TEXTS: Final = frozenset({"reason", "step", "failed_in", "error_type", "recovers"})


class Recording:
    """Writes what happens to the operations of one kind and name.

    Args:
        recorder: what every record goes through.
        kind: of the operations.
        name: of the operations.
    """

    def __init__(self, recorder: Recorder, kind: str, name: str) -> None:
        self._recorder: Final = recorder
        self._channel: Final = recorder.spool.channels["operation"]
        self._enabled: Final = recorder.settings.enabled
        text = recorder.encoding.text
        named = {"kind": text(kind)[:_LONGEST_NAME], "name": text(name)[:_LONGEST_NAME]}
        self._named: Final = encode(named)[1:-1]
        self._heads: Final[dict[str, bytes]] = {}
        self._ending: Final = b',"operation":{%b,"cpu_ns":' % self._named

    def identity(self, operation_id: str, key: str, parent_id: str, start: int) -> str:
        """The members by which an operation is known, on all of its lines; each followed by a comma.

        Args:
            operation_id: 16 hexadecimal digits.
            key: the id that the application knows it by; may be empty.
            parent_id: of the operation that it is a part of; may be empty.
            start: nanoseconds since 1970.
        """
        known = f'"operation_id":"{operation_id}","start_time_unix_nano":{start},'
        if parent_id:
            known += f'"parent_id":"{parent_id}",'
        if key:
            known += f'"key":{encode(self._recorder.encoding.text(key)[:_LONGEST_NAME]).decode()},'
        return known

    def known(self, bound: Bound) -> bytes:
        """The members of context fields that are bound, each followed by a comma."""
        return self._recorder.encode_bound(bound)

    def members(self, members: Mapping[str, Any]) -> bytes:
        """Members of an event, each followed by a comma; those that are None or empty are left out."""
        text = self._recorder.encoding.text
        kept = {
            name: text(value) if name in _TEXTS else value
            for name, value in members.items()
            if value is not None and value != ""
        }
        return encode(kept)[1:-1] + b"," if kept else b""

    @staticmethod
    def figures(  # noqa: PLR0913, PLR0917 - what every end has, by position
        status: str, duration_ns: int, cpu_ns: int, peak: int | None, delta: int | None, rows: int | None
    ) -> str:
        """The members that each ``close`` has, each followed by a comma."""
        took, worked = duration_ns // 1000, cpu_ns // 1000
        found = (
            f'"status":"{status}","duration_ms":{took // 1000}.{took % 1000:03},'
            f'"cpu_ms":{worked // 1000}.{worked % 1000:03},'
        )
        if peak is not None:
            found += f'"memory_peak_bytes":{peak},"memory_delta_bytes":{delta},'
        if rows is not None:
            found += f'"rows":{rows},'
        return found

    def ending(  # noqa: PLR0913, PLR0917 - what every end has, by position
        self,
        parent_id: str,
        cpu_ns: int,
        peak: int | None,
        delta: int | None,
        rows: int | None,
        data: Mapping[str, Any] | bytes,
    ) -> bytes:
        """The member of a span's line that tells of the end of its operation, after a comma.

        Args:
            parent_id: see `identity`.
            cpu_ns: see `plainview.records.Ending`, as of the following.
            peak: most memory.
            delta: memory at the end less that at the beginning.
            rows: that it worked through.
            data: see `data`.
        """
        if not parent_id and peak is None and rows is None and not data:
            return b"%b%d}" % (self._ending, cpu_ns)
        found = f'{cpu_ns},"parent_id":"{parent_id}"' if parent_id else str(cpu_ns)
        if peak is not None:
            found += f',"memory_peak_bytes":{peak},"memory_delta_bytes":{delta}'
        if rows is not None:
            found += f',"rows":{rows}'
        if data:
            return b'%b%b,"data":%b}' % (self._ending, found.encode(), self.data(data))
        return b"%b%b}" % (self._ending, found.encode())

    def data(self, data: Mapping[str, Any] | bytes) -> bytes:
        """What comes with an event, as a JSON object: bounded and scrubbed; bytes are taken as they are."""
        if isinstance(data, bytes):
            return data
        encoding = self._recorder.encoding
        return encoding.plain(data) or encoding.fields(data)

    def write(  # noqa: PLR0913, PLR0917 - the parts of a line, by position
        self, nanoseconds: int, event: str, identity: bytes, members: bytes, context: bytes, data: bytes = b"{}"
    ) -> None:
        """Write a line.

        Args:
            nanoseconds: when, since 1970.
            event: what happened.
            identity: see `identity`.
            members: see `members`.
            context: ids and context fields, each followed by a comma.
            data: see `data`.
        """
        if not self._enabled:
            return
        head = self._heads.get(event)
        if head is None:
            head = self._heads[event] = b'Z","event":%b,%b,' % (encode(event), self._named)
        recorder = self._recorder
        start, instant = millisecond(nanoseconds)
        micro = THOUSAND[(nanoseconds - start) // 1000]
        static = recorder.static
        line = b"".join((instant, micro, head, identity, members, static, context, b'"data":', data, b"}\n"))
        if len(line) > recorder.max_line:
            note = encode({"line_too_long": f"{len(line)} bytes; data left out"})
            line = b"".join((instant, micro, head, identity, members, static, context, b'"data":', note, b"}\n"))
            if len(line) > recorder.max_line:
                line = b"".join((instant, micro, head, identity, static, b'"data":', note, b"}\n"))
        try:
            self._channel.write(line)
        except ValueError:
            self._channel.overflow(line)
