"""Where an error was raised: source from anywhere, local variables where they are wanted, no secret in either."""

from __future__ import annotations

import sys
import zipfile

import msgspec
import pytest
from errors import only, raised

import plainview

log = plainview.get_logger("shop")


def test_source_can_be_left_out(capture):
    capture.configure(source_context=0)
    plainview.capture_exception(raised(ValueError("x")))
    (frame,) = only(capture)["exceptions"][0]["frames"]
    assert frame.keys() == {"file", "path", "module", "function", "line"}


def test_source_comes_from_wherever_the_code_came(capture, tmp_path):
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("packed_module.py", "def fail():\n    raise ValueError('from an archive')\n")
    sys.path.insert(0, str(archive))
    try:
        import packed_module

        packed_module.fail()
    except ValueError:
        plainview.capture_exception()
    finally:
        sys.path.remove(str(archive))
    frame = only(capture)["exceptions"][0]["frames"][-1]
    assert frame["source"] == "    raise ValueError('from an archive')"
    assert (frame["module"], frame["file"]) == ("packed_module", "packed_module.py")


@pytest.mark.parametrize("name", ["<string>", "/dev/zero", "", "nowhere.py", "a\nb", "\udcff.py"])
def test_code_without_a_readable_source_is_told_without(capture, name):
    try:
        exec(compile("1 / 0", name, "exec"), {"__name__": 7})
    except ZeroDivisionError:
        plainview.capture_exception()
    frame = only(capture)["exceptions"][0]["frames"][-1]
    assert "source" not in frame
    assert frame["line"] == 1


SECRETS = ("hunter2", "abcdef123456", "k-5550")


def test_secrets_in_messages_notes_and_source_are_hidden(capture):
    capture.configure(error_locals=True)

    def connect(password):
        token = "tok" + password  # noqa: F841 - a local to be hidden
        error = ValueError(f"refused: password={password}")
        error.add_note("api_key=abcdef123456")
        raise error  # api_key="k-5550"

    try:
        connect(SECRETS[0])
    except ValueError:
        log.exception("no connection")
    stored = "".join(path.read_text() for path in capture.directory.glob("spool/*/*.ndjson"))
    assert not [secret for secret in SECRETS if secret in stored]
    assert only(capture)["exceptions"][0]["frames"][-1]["locals"]["password"] == "[scrubbed]"


class Unprintable:
    """Whoever asks it anything, pays."""

    def __repr__(self):
        raise AssertionError("asked for its repr")

    __str__ = __repr__
    __len__ = __iter__ = __bool__ = __eq__ = __hash__ = __repr__


def test_locals_are_shown_without_calling_any_code_of_theirs(capture):
    capture.configure(error_locals=True)

    class Text(str):
        __slots__ = ()

        def __str__(self):
            raise AssertionError("asked for its str")

    def work():
        thing, text = Unprintable(), Text("x")  # noqa: F841 - locals to be shown
        numbers, long, huge = list(range(100)), 10**20, 1 << 100_000  # noqa: F841 - as above
        mixed = {"password": "hunter2", "n": 1.5, thing.__class__: None, "deep": [[[[[1]]]]], "bytes": b"\x00"}  # noqa: F841 - as above
        cycle = []
        cycle.append(cycle)
        words = "w" * 10_000  # noqa: F841 - as above
        raise ValueError("x")

    with pytest.raises(ValueError, match="x") as caught:
        work()
    plainview.capture_exception(caught.value)
    shown = only(capture)["exceptions"][0]["frames"][-1]["locals"]
    assert shown["thing"].endswith("test_error_frames.Unprintable>")
    assert "Text" in shown["text"]
    assert shown["numbers"][:3] == [0, 1, 2]
    assert shown["numbers"][-1] == "[90 more]"
    assert shown["long"] == str(10**20)
    assert shown["huge"] == "[integer of 100001 bits]"
    assert (shown["mixed"]["password"], shown["mixed"]["n"]) == ("[scrubbed]", 1.5)
    assert "[10000 characters]" in shown["words"].replace("cut: ", "")
    assert len(msgspec.json.encode(shown)) < 4000
