"""An exception as it was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from plainview.capture.encoding import encode
from plainview.capture.errors import chain, stack

if TYPE_CHECKING:
    from plainview.capture.encoding import Encoding
    from plainview.capture.errors.frames import Frames, Walk

__all__ = ["Seen"]

#: Frames that tell one place from another.
_INNERMOST: Final = 8


class Seen:
    """An exception as it was found: what belongs to it, where it was raised, what it says."""

    __slots__ = ("_encoding", "_messages", "_stack", "chain", "walks")

    def __init__(self, error: BaseException, encoding: Encoding, frames: Frames) -> None:
        self._encoding: Final = encoding
        self._messages: list[str] | None = None
        self._stack: bytes | None = None
        self.chain: Final = chain.of(error)
        walk = frames.walk
        self.walks: Final[list[Walk]] = [walk(chain.traceback_of(link.error)) for link in self.chain.links]

    # What follows is made when it is wanted: of most exceptions of a storm it is not.
    @property
    def messages(self) -> list[str]:
        """What each of the exceptions says."""
        if self._messages is None:
            self._messages = [self._encoding.text(stack.said(link.error)) for link in self.chain.links]
        return self._messages

    @property
    def stack(self) -> bytes:
        """The stack trace as JSON."""
        if self._stack is None:
            self._stack = encode(stack.printed(self.chain, self.walks, self.messages, self._encoding))
        return self._stack

    def member(self, error_id: str | None) -> bytes:
        """The value of a log record's member exception."""
        kind = chain.type_name(type(self.chain.links[0].error))
        told = b',"error_id":"%b"' % error_id.encode() if error_id else b""
        return b'{"type":%b,"message":%b,"stack_trace":%b%b}' % (
            encode(kind), encode(self.messages[0]), self.stack, told,
        )  # fmt: skip

    def place(self) -> tuple[object, ...]:
        """What is one place for `Storm`: the type, and the innermost frames."""
        link, walk = self.chain.links[0], self.walks[0]
        return (type(link.error), *[(place.code, place.identity[1]) for place in walk.places[-_INNERMOST:]])
