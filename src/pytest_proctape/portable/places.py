"""Placeholders: paths of one machine leave for the tape as ``<tmp>`` and come back as another's.

Concealing is the exact inverse of revealing: what merely looks like a placeholder gets a ``=`` on its
way to the tape (``<tmp>`` becomes ``<=tmp>``) and loses it on the way back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_PLAIN = ("tmp", "basetemp", "cwd", "root", "home", "python")
NAMES = (*_PLAIN, *(f"real-{name}" for name in _PLAIN))
"""The names that can stand on a tape; fixed, so that escaping does not depend on the machine.

A path with symbolic links in it has another text once they are followed, and tools print either, so the
two have placeholders of their own.
"""

_LOOKALIKE = re.compile(rb"<(=*)(" + b"|".join(name.encode() for name in NAMES) + rb")>")

_BEFORE = rb"(?:(?<![\w.~/-])|(?<=//)|(?<=[\s\0]-[A-Za-z])|(?<=^-[A-Za-z]))"
_BEHIND = rb"(?![\w-]|\.\w)"


class Places:
    """The values that the placeholders have here and now.

    Not every value is known from the start: ``tmp_path`` exists only once its fixture has run.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        """Start with ``values``: placeholder name to absolute path."""
        self._values: dict[str, bytes] = {}
        self._pattern: re.Pattern[bytes] | None = None
        self._names: dict[bytes, bytes] = {}
        for name, value in (values or {}).items():
            self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """``<name>`` stands for ``value`` from now on. The root directory is never a placeholder."""
        path = os.fsencode(value).rstrip(b"/")
        if path:
            self._values[name] = path
            self._values[f"real-{name}"] = os.path.realpath(path)
            self._rebuild()

    def copy(self) -> Places:
        """The same values, to be added to apart from these."""
        twin = Places()
        twin._values = dict(self._values)
        twin._rebuild()
        return twin

    def _rebuild(self) -> None:
        self._names = {}
        for name in NAMES:
            path = self._values.get(name)
            if path is None:
                continue
            # Where there is no link, both are one, and the plain name comes first.
            self._names.setdefault(path, name.encode())
        longest_first = sorted(self._names, key=len, reverse=True)
        alternatives = b"|".join(re.escape(path) for path in longest_first)
        self._pattern = re.compile(_BEFORE + b"(" + alternatives + b")" + _BEHIND) if alternatives else None

    def conceal(self, data: bytes) -> bytes:
        """Put placeholders in the place of this machine's values."""
        if b"<" in data:
            data = _LOOKALIKE.sub(rb"<=\1\2>", data)
        if self._pattern is None or not any(path in data for path in self._names):
            return data
        return self._pattern.sub(lambda found: b"<" + self._names[found[1]] + b">", data)

    def reveal(self, data: bytes) -> bytes:
        """Put this machine's values in the place of placeholders. One without a value here stays."""
        if b"<" not in data:
            return data

        def value(found: re.Match[bytes]) -> bytes:
            if found[1]:
                return b"<" + found[1][1:] + found[2] + b">"
            return self._values.get(found[2].decode(), found[0])

        return _LOOKALIKE.sub(value, data)

    def conceal_text(self, text: str) -> str:
        """:meth:`conceal` for what :func:`os.fsdecode` gave."""
        return os.fsdecode(self.conceal(os.fsencode(text)))

    def reveal_text(self, text: str) -> str:
        """:meth:`reveal` for what :func:`os.fsdecode` takes."""
        return os.fsdecode(self.reveal(os.fsencode(text)))
