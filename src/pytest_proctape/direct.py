"""The rooms come in without asking who else might have them; :mod:`.kept` and :mod:`.plugin` load them so.

Whoever wants to be asked for each module that is imported is asked some two hundred times. pytest's own
finder asks itself whether it is to rewrite the module's assertions, for a tenth of what the import takes; for
a plugin that is installed it does rewrite them. Where a module of ours is, and its compiled code, needs no
search: importlib's takes a third of the import of a small one. Nor is there garbage to be found: what a
module makes stays.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source
from types import CodeType, ModuleType

from .uncollected import uncollected
from .unpatched import unpatched

_OURS = f"{__package__}."
_CHECKED_BY_TIME = MAGIC_NUMBER + bytes(4)
"""How compiled code begins that is right where time and size of the source are what comes next."""
_32_BITS = 0xFFFFFFFF


class _Direct:
    """Finds the modules of this package where the package is."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        # Elsewhere, where somebody wants all compiled code in one place.
        folder, _, name = cache_from_source("name.py").rpartition("/")
        self._cached = name.removeprefix("name") if folder == "__pycache__" else ""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`."""
        if not fullname.startswith(_OURS) or not path:
            return None
        return self._spec_in(path[0], fullname) or PathFinder.find_spec(fullname, path, target)

    def _spec_in(self, folder: str, fullname: str) -> ModuleSpec | None:
        """What importlib would say of a module in a plain directory; ``None`` for any other."""
        if folder not in self._names:
            self._names[folder] = []
            with suppress(OSError):
                self._names[folder] = os.listdir(folder)
        name, names, inner = fullname.rpartition(".")[2], self._names[folder], None
        if name in names:
            folder, name = f"{folder}/{name}", "__init__"
            inner = [folder]
        elif f"{name}.py" not in names:
            return None
        compiled = f"{folder}/__pycache__/{name}{self._cached}" if self._cached else ""
        loader = _Loader(fullname, f"{folder}/{name}.py")
        loader.compiled = compiled
        spec = ModuleSpec(fullname, loader, origin=loader.path)
        spec.has_location, spec.submodule_search_locations = True, inner
        spec.cached = compiled or None
        return spec


class _Loader(SourceFileLoader):
    """Takes compiled code that is surely right, and leaves all else to importlib.

    Attributes:
        compiled: the file that has it, if there is one.
    """

    compiled = ""

    def get_code(self, fullname: str) -> CodeType | None:
        """See :class:`importlib.abc.InspectLoader`."""
        with suppress(OSError, ValueError, EOFError, TypeError):
            source = os.stat(self.path)
            with open(self.compiled, "rb") as file:
                data = memoryview(file.read())
            said = (int(source.st_mtime) & _32_BITS, source.st_size & _32_BITS)
            if data[:16] == _CHECKED_BY_TIME + b"".join(one.to_bytes(4, "little") for one in said):
                code: CodeType = marshal.loads(data[16:])
                if code.co_filename == self.path:
                    return code
        return super().get_code(fullname)


@contextmanager
def directly() -> Iterator[None]:
    """For a while, nobody else is asked for modules of ours."""
    finder = _Direct()
    sys.meta_path.insert(0, finder)
    try:
        with uncollected(for_good=True), unpatched():
            yield
    finally:
        # Who keeps a copy of the list, as pytester does, may have taken it out already.
        with suppress(ValueError):
            sys.meta_path.remove(finder)
