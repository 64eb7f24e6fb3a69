"""The hot path: what ``log.info("message", key=value)`` does for a record that is like most."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from plainview.capture.clock import MILLISECOND, THOUSAND, millisecond
from plainview.capture.encoding import encode
from plainview.capture.recorder import LOUD
from plainview.context import current

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from plainview.capture.logger import LogMethod
    from plainview.capture.recorder import Recorder

__all__ = ["emitter"]

_SHORT_INT: Final = (1 << 30) - 1
_MAX_SITES: Final = 2_000
#: Instead of a message that may say something else next time: nobody else has it.
_NO_LITERAL: Final = object()

#: A place in the code that logs: its code object (kept, so that its id stays its own), the message, what its lines
#: have between the time and the context, how they end, and the member source.
Site: TypeAlias = "tuple[CodeType, object, bytes, bytes, bytes]"


def emitter(recorder: Recorder, head: bytes) -> LogMethod:  # noqa: C901, PLR0915 - see `emit`
    """A log method of one logger and level: `Recorder.log`, in half the time for plain fields and a literal message.

    What does not change between the calls at one place in the code is put together once. Whatever is out of the
    ordinary is left to `Recorder.log`.
    """
    sites: dict[int, Site] = {}
    latest: tuple[int, bytes] = (-MILLISECOND, b"")
    channel, max_line, join = recorder.logs, recorder.max_line, b"".join
    plain_keys, harmless = recorder.encoding.plain_keys, recorder.encoding.known_harmless
    is_harmless = recorder.encoding.harmless
    loud = head[LOUD[0]] in LOUD[1]
    getframe, time_ns, get = sys._getframe, time.time_ns, current.get  # noqa: SLF001 - the documented way to a caller's frame

    # One function, and long: each call of another would cost as much as the time stamp.
    def emit(message: object, /, **fields: Any) -> None:  # noqa: ANN401, C901, PLR0912 - any value may be logged; see above
        nonlocal latest
        try:
            caller = getframe(1)
            # An address within the code object, which holds its instructions: no other place has it.
            place = id(caller.f_code) + caller.f_lasti
            try:
                site = sites[place]
            except KeyError:
                if len(sites) >= _MAX_SITES:
                    sites.clear()
                site = sites[place] = _site(recorder, caller, head, message)
            frame = get()
            bound, ids = frame.bound, frame.ids
            known = bound.known
            nanoseconds = time_ns()
            for key, value in fields.items():  # as `Encoding.plain`
                if key not in plain_keys:
                    break
                kind = type(value)
                if kind is str:
                    if value not in harmless and not is_harmless(value):
                        break
                elif kind is int:
                    if value > _SHORT_INT or value < -_SHORT_INT:
                        break
                elif kind is float:
                    if value - value != 0.0:
                        break
                elif kind is not bool:
                    break
            else:
                if site[1] is message and ids is not None and known is not None and not bound.extra:
                    now = latest
                    rest = nanoseconds - now[0]
                    if rest >= MILLISECOND or rest < 0:
                        latest = now = millisecond(nanoseconds)
                        rest = nanoseconds - now[0]
                    line = join((
                        now[1], THOUSAND[rest // 1000], site[2], recorder.static, ids, known, b'"extra":',
                        encode(fields), site[3],
                    ))  # fmt: skip
                    if len(line) <= max_line:
                        if loud and recorder.listener is not None:
                            recorder.listener.heard(head, message, fields, None)
                        try:
                            channel.write(line)
                        except ValueError:
                            channel.overflow(line)
                        return
            recorder.log(nanoseconds, head, message, fields, site[4])
        except Exception as error:  # noqa: BLE001 - never into the application
            recorder.spool.failed(error)

    return emit


def _site(recorder: Recorder, caller: FrameType, head: bytes, message: object) -> Site:
    source = recorder.source(caller)
    literal = message if type(message) is str else _NO_LITERAL
    return caller.f_code, literal, b"%b%b," % (head, recorder.message(message)), source + b"}\n", source
