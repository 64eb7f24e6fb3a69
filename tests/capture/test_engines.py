"""The base class of engines, and the list of those that there should be."""

from __future__ import annotations

import asyncio

import pytest
from captured import read

import plainview
from plainview.capture import chores
from plainview.capture.operations import engines as home
from plainview.capture.operations.engines import Engine
from plainview.capture.operations.operation import engine, job
from plainview.capture.operations.roster import Engines
from plainview.capture.runtime import runtime

#: What the classes here are registered in: the process's own is told of by itself, in whatever test.
REGISTRY = Engines()

with pytest.MonkeyPatch.context() as patched:
    patched.setattr(home, "ENGINES", REGISTRY)

    class TextToSpeechEngine(Engine):
        """Named by its class."""

        def execute(self, text: str, *, voice: str = "alto") -> bytes:
            self.progress(50, step=f"voice {voice}")
            self.retry("busy")
            return text.encode()

    class Mix(Engine):
        """Named by itself."""

        name = "mixer"
        loaded = True

        async def execute(self, tracks: int) -> int:
            if not tracks:
                msg = "no audio"
                raise ValueError(msg)
            await asyncio.sleep(0)
            return tracks

        def state(self) -> dict[str, object]:
            return {"loaded": self.loaded}

    class Chapters(Engine):
        """A generator."""

        def execute(self, count: int):
            yield from range(count)

    class Pages(Engine):
        """An async generator."""

        async def execute(self, count: int):
            for number in range(count):
                yield number

    class Fallen(Mix):
        """Its state cannot be had."""

        name = "fallen"

        def state(self) -> dict[str, object]:
            raise RuntimeError("no state")

    class Careful(TextToSpeechEngine):
        """Does what its parent does, and more."""

        name = "careful"

        def execute(self, text: str, *, voice: str = "bass") -> bytes:
            return super().execute(text.strip(), voice=voice)


chores.remove(REGISTRY._turn)


def told(capture, name: str) -> dict[str, dict]:
    """The lines of an engine, by what they say."""
    return {
        line["message"].removesuffix(f": {name}"): line
        for line in capture.logs()
        if line["logger"] == "plainview.engine" and line["extra"]["engine"] == name
    }


def closed(capture, name: str) -> list[dict]:
    return [line for line in read(capture.directory, "operation") if line["name"] == name and line["event"] == "close"]


def test_each_execution_is_told_with_its_inputs_and_outputs(capture):
    capture.configure(level="DEBUG")
    with job("narrate", id="j-1"):
        assert TextToSpeechEngine().execute("hello", voice="bass") == b"hello"
    lines = told(capture, "text_to_speech")
    assert list(lines) == ["engine started", "engine progress", "engine retrying", "engine completed"]
    assert {line["job_id"] for line in lines.values()} == {"j-1"}
    assert lines["engine started"]["extra"]["inputs"] == {"text": "hello", "voice": "bass"}
    assert lines["engine progress"]["extra"]["percent"] == 50
    assert lines["engine completed"]["extra"]["output"] == "bytes of 5 bytes"
    (record,) = closed(capture, "text_to_speech")
    assert (record["status"], record["attempt"], record["step"]) == ("completed", 2, "voice bass")


def test_a_failure_is_told_with_the_state_of_the_engine(capture):
    capture.configure()
    with pytest.raises(ValueError, match="no audio"):
        asyncio.run(Mix().execute(0))
    failed = told(capture, "mixer")["engine failed"]
    assert (failed["level"], failed["exception"]["type"]) == ("ERROR", "ValueError")
    assert failed["extra"]["inputs"] == {"tracks": 0}
    assert failed["extra"]["state"] == {"loaded": True}


def test_a_state_that_raises_takes_nothing_from_the_failure(capture):
    capture.configure()
    with pytest.raises(ValueError, match="no audio"):
        asyncio.run(Fallen().execute(0))
    assert told(capture, "fallen")["engine failed"]["exception"]["type"] == "ValueError"
    assert runtime().recorder.spool.counters.internal_errors == 1


def test_coroutines_and_generators_are_engines_too(capture):
    capture.configure()
    assert asyncio.run(Mix().execute(3)) == 3
    assert list(Chapters().execute(3)) == [0, 1, 2]

    async def pages() -> list[int]:
        return [page async for page in Pages().execute(2)]

    assert asyncio.run(pages()) == [0, 1]
    assert [closed(capture, name)[0]["status"] for name in ("mixer", "chapters", "pages")] == ["completed"] * 3


def test_what_an_engine_does_by_the_class_that_it_comes_from_is_one_execution(capture):
    capture.configure()
    assert Careful().execute(" hello ") == b"hello"
    assert len(closed(capture, "careful")) == 1
    assert closed(capture, "text_to_speech") == []


def test_a_call_with_wrong_arguments_is_the_callers_error(capture):
    capture.configure()
    with pytest.raises(TypeError, match="nonsense"):
        TextToSpeechEngine().execute("hello", nonsense=1)
    with pytest.raises(NotImplementedError, match="Engine does not define execute"):
        Engine().execute()
    assert closed(capture, "text_to_speech")[0]["status"] == "failed"


def test_outside_of_an_execution_there_is_nothing_to_tell(capture):
    capture.configure()
    idle = TextToSpeechEngine()
    idle.progress(1)
    idle.retry("busy")
    assert idle.operation is None
    with engine("text_to_speech") as work:
        assert idle.operation is work


def test_classes_are_registered_under_their_names():
    assert REGISTRY.present == ("careful", "chapters", "fallen", "mixer", "pages", "text_to_speech")
    assert (REGISTRY.expected, REGISTRY.missing) == (REGISTRY.present, ())
    assert REGISTRY["mixer"] is Mix
    with pytest.raises(KeyError):
        REGISTRY["unheard of"]
    assert type(plainview.engines) is Engines


@pytest.fixture
def engines(monkeypatch):
    """A list of its own."""
    made = Engines()
    monkeypatch.setattr("plainview.capture.operations.telling.ENGINES", made)
    yield made
    chores.remove(made._turn)


def test_what_is_expected_and_not_met_is_missing(capture, engines):
    capture.configure()
    engines.expect("tts", "mixer", "painter")
    engines.register("mixer", Mix)
    with engine("tts"), engine("surprise"):
        pass
    assert engines.expected == ("mixer", "painter", "tts")
    assert engines.present == ("mixer", "surprise", "tts")
    assert engines.missing == ("painter",)
    latest = [line for line in read(capture.directory, "operation") if line["kind"] == "registry"][-1]
    assert (latest["name"], latest["event"], latest["status"]) == ("engines", "close", "completed")
    assert latest["data"] == {"expected": ["mixer", "painter", "tts"], "missing": ["painter"]}
    series = plainview.metric("engine_registered")._series
    assert {name: series[name,].value for name in engines.expected} == {"mixer": 1, "painter": 0, "tts": 1}


def test_it_is_told_by_itself_and_again_each_hour_but_not_where_nothing_is_expected(capture, engines, monkeypatch):
    capture.configure()

    def count() -> int:
        return len([line for line in read(capture.directory, "operation") if line["kind"] == "registry"])

    engines.met("surprise")
    engines._turn(0.0)
    assert count() == 0
    engines.expect("tts")
    assert engines._turn(0.0) > 3000
    assert count() == 1
    engines._turn(0.0)
    assert count() == 1
    monkeypatch.setattr(engines, "_told", engines._told - 4000)
    engines._turn(0.0)
    assert count() == 2


def test_a_forked_child_tells_of_its_own(capture):
    program = """
        plainview.engines.expect("tts")
        child = os.fork()
        if child == 0:
            with plainview.engine("tts"):
                pass
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        with plainview.engine("mixer"):
            pass
    """
    done = capture.program(program)
    assert done.returncode == 0, done.stderr
    told = [line for line in read(capture.directory, "operation") if line["kind"] == "registry"]
    assert {line["pid"] for line in told} >= {line["pid"] for line in closed(capture, "tts") + closed(capture, "mixer")}
    assert {tuple(line["data"]["missing"]) for line in told} == {(), ("tts",)}
