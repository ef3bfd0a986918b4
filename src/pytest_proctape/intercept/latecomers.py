"""Stand-ins in modules that not every test imports, some only while a tape is active: freezegun, say.

What is there when the tape becomes active is told at once; what comes later is met here, on its way in.
:mod:`.clocked` has a stand-in for the ``start`` of a maker of clocks, so that waits are told from the first
clock on, and a pipe that is opened under it is read by it. :mod:`.inherit` has some for pools of threads,
:mod:`.hubs` for gevent, :mod:`.uvloops` for the loops of uvloop. :mod:`.orders` has one for the processes of
multiprocessing, :mod:`.eventlets` one for eventlet's, :mod:`.interpreters` for the other interpreters of this
process. :mod:`.patches` puts this in place.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from ..undo import Undo
from ..unfaked import pops_itself
from . import eventlets, hubs, inherit, interpreters, loops, orders
from .clocked import MAKERS, freezer

if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

Put = Callable[[Any, str, Any], None]
"""Puts a stand-in in place while a tape is active: ``(where, name, what)``."""


_STAND_INS: dict[str, Callable[[], list[tuple[Any, str, Any]]]] = {
    **{name: partial(freezer, name) for name in MAKERS},
    inherit.POOLS: inherit.pool_replacements,
    orders.PROCESSES: orders.replacements,
    interpreters.MODULE: interpreters.replacements,
    hubs.GEVENT_OS: hubs.replacements,
    eventlets.SUBPROCESS: eventlets.replacements,
    loops.UVLOOP: loops.uvloop_replacements,
}
"""By the module: ``(where, name, what)``, nothing where it is not imported."""


def present() -> list[tuple[Any, str, Any]]:
    """Those of the modules that are there."""
    return [found for replacements in _STAND_INS.values() for found in replacements()]


def expect(put: Put, undo: Undo) -> None:
    """Meet those that are not there yet, until ``undo`` is closed."""
    if all(name in sys.modules for name in _STAND_INS):
        return
    finder = _Finder(put)
    undo.callback(_forget, finder)
    sys.meta_path.insert(int(pops_itself(next(iter(sys.meta_path), None))), finder)


def _forget(finder: _Finder) -> None:
    # Who keeps a copy of the list, as pytester does, may have taken it out already.
    with contextlib.suppress(ValueError):
        sys.meta_path.remove(finder)


class _Finder:
    """Finds by the others, and looks at the module when it is loaded."""

    def __init__(self, put: Put) -> None:
        self._put = put

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`."""
        if fullname not in _STAND_INS:
            return None
        # Who has kept a copy of the list may have put back the one of an earlier tape.
        for other in [one for one in sys.meta_path if not isinstance(one, _Finder)]:
            spec = other.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    # By shape a loader; the class to inherit from would cost every start of a tape an import.
                    spec.loader = cast("Loader", _Loader(spec.loader, self._put))
                return spec
        return None


class _Loader:
    """Loads by the real loader, which is the module's own again as soon as its code runs."""

    def __init__(self, real: Any, put: Put) -> None:
        self._real = real
        self._put = put

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """See :class:`importlib.abc.Loader`."""
        module: ModuleType | None = self._real.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """See :class:`importlib.abc.Loader`."""
        module.__loader__ = self._real
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        self._real.exec_module(module)
        for where, name, what in _STAND_INS[module.__name__]():
            self._put(where, name, what)
