"""Doing something to a library when it is imported, and not before.

The loader of a watched module has its ``exec_module`` replaced for the one time it runs; nothing else about the import
changes. (`wrapt` does the same, at 40 ms of start-up in every process.)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Hook = Callable[[ModuleType], object]

__all__ = ["when_imported"]

_waiting: Final[dict[str, list[Hook]]] = {}


def when_imported(name: str, hook: Hook) -> None:
    """Call ``hook(module)`` once the module of this name has been imported; at once if it has been already.

    What a hook raises is counted as an error of ours and does not disturb the import.
    """
    module = sys.modules.get(name)
    if module is not None and not _is_initializing(module):
        _call(hook, module)
        return
    _waiting.setdefault(name, []).append(hook)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def _is_initializing(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _call(hook: Hook, module: ModuleType) -> None:
    try:
        hook(module)
    except Exception as error:  # noqa: BLE001 - the application goes on without this integration
        failed(error)


class _Finder:
    """Finds what the other finders find, and has the hooks called when it has been executed.

    No ``importlib.abc.MetaPathFinder``: the import system does not ask for it, and it takes 5 ms to import.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of a watched module; None for any other."""
        if fullname not in _waiting:
            return None
        for finder in sys.meta_path:
            find_spec = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec(fullname, path, target) if find_spec and finder is not self else None
            if spec is not None:
                if spec.loader is not None:
                    _watch(spec.loader, fullname)
                return spec
        return None


def _watch(loader: Any, name: str) -> None:  # noqa: ANN401 - any loader
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        if module.__name__ != name:  # a loader that serves several modules, as that of a zip file does
            return
        vars(loader).pop("exec_module", None)
        for hook in _waiting.pop(name, ()):
            _call(hook, module)

    try:
        loader.exec_module = exec_module
    except AttributeError as error:  # a loader that cannot be given attributes
        failed(error)


_FINDER: Final = _Finder()
