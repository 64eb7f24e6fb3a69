"""Hooks on imports: called once, when the module is there, and an import is otherwise what it was."""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
import zipfile

import pytest

import plainview
from plainview.integrations.hooks import HOOKS
from plainview.integrations.imports import when_imported


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Makes a module that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(name, source="value = 1"):
        path = tmp_path / (name.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        made.append(name)
        importlib.invalidate_caches()
        return name

    yield make
    for name in made:
        sys.modules.pop(name, None)


def test_a_hook_is_called_once_after_the_import(module):
    name, seen = module("hooked_once"), []
    when_imported(name, lambda found: seen.append(found.value))
    assert seen == []
    importlib.import_module(name)
    importlib.import_module(name)
    assert seen == [1]


def test_a_hook_on_what_is_imported_already_is_called_at_once(module):
    name, seen = module("hooked_late"), []
    importlib.import_module(name)
    when_imported(name, seen.append)
    assert seen == [sys.modules[name]]


def test_several_hooks_run_in_order(module):
    name, seen = module("hooked_twice"), []
    when_imported(name, lambda _: seen.append(1))
    when_imported(name, lambda _: seen.append(2))
    importlib.import_module(name)
    assert seen == [1, 2]


def test_a_module_of_a_package(module):
    module("hooked_package.__init__")
    name, seen = module("hooked_package.inner"), []
    when_imported(name, seen.append)
    import hooked_package

    assert seen == []
    importlib.import_module(name)
    assert seen == [hooked_package.inner]


def test_the_module_looks_as_ever(module):
    name = module("hooked_plain", "def f():\n    return 1\n")
    when_imported(name, lambda _: None)
    found = importlib.import_module(name)
    assert type(found.__loader__).__name__ == "SourceFileLoader"
    assert found.__spec__.loader is found.__loader__
    assert inspect.getsource(found.f) == "def f():\n    return 1\n"
    assert vars(found.__loader__).keys() <= {"name", "path"}
    importlib.reload(found)


def test_a_hook_that_raises_does_not_disturb_the_import(spool, module, capfd):
    name, seen = module("hooked_badly"), []
    when_imported(name, lambda _: 1 / 0)
    when_imported(name, seen.append)
    assert importlib.import_module(name).value == 1
    assert len(seen) == 1
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_module_that_cannot_be_imported_raises_what_it_did(module):
    name, seen = module("hooked_broken", "raise LookupError('broken')"), []
    when_imported(name, seen.append)
    with pytest.raises(LookupError):
        importlib.import_module(name)
    when_imported("hooked_nowhere", seen.append)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("hooked_nowhere")
    assert seen == []


def test_a_module_in_a_zip_file(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "modules.zip", "w") as archive:
        archive.writestr("hooked_zipped.py", "import hooked_other\nvalue = 2")
        archive.writestr("hooked_other.py", "")
    monkeypatch.syspath_prepend(tmp_path / "modules.zip")
    seen = []
    when_imported("hooked_zipped", lambda found: seen.append(found.value))
    assert importlib.import_module("hooked_zipped").value == 2
    assert seen == [2]


def test_imports_in_several_threads(module):
    name, seen = module("hooked_threads", "import time\ntime.sleep(0.05)"), []
    when_imported(name, seen.append)
    threads = [threading.Thread(target=importlib.import_module, args=(name,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1


def test_every_hook_names_a_function_of_ours():
    for hooks in HOOKS.values():
        for target in hooks.values():
            name, _, function = target.partition(":")
            assert callable(getattr(importlib.import_module(f"plainview.integrations.{name}"), function))


def test_instrument_says_what_it_cannot_do():
    with pytest.raises(ValueError, match=r"unknown library 'djanga': use one of .*django"):
        plainview.instrument("djanga")
    with pytest.raises(TypeError, match="neither an application nor"):
        plainview.instrument(42)


def test_a_library_that_is_not_installed_is_no_hindrance():
    assert plainview.instrument("django") == "django"
