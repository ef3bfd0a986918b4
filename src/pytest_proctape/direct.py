"""The rooms come in without asking who else might have them; :mod:`.kept` and :mod:`.plugin` load them so.

Whoever wants to be asked for each module that is imported is asked some two hundred times. pytest's own
finder asks itself whether it is to rewrite the module's assertions, for a tenth of what the import takes; for
a plugin that is installed it does rewrite them. Nor is there garbage to be found: what a module makes stays.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from .uncollected import uncollected

_OURS = f"{__package__}."


class _Direct:
    """Finds the modules of this package where the package is."""

    @staticmethod
    def find_spec(
        fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`."""
        return PathFinder.find_spec(fullname, path, target) if fullname.startswith(_OURS) else None


@contextmanager
def directly() -> Iterator[None]:
    """For a while, nobody else is asked for modules of ours."""
    finder = _Direct()
    sys.meta_path.insert(0, finder)
    try:
        with uncollected(for_good=True):
            yield
    finally:
        # Who keeps a copy of the list, as pytester does, may have taken it out already.
        with suppress(ValueError):
            sys.meta_path.remove(finder)
