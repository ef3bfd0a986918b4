"""The watched directories: what is looked at while recording, and all that a replay may write to.

The run fills :class:`Roots` in, as fixtures make directories; the watch and the replay ask it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ..frozen import Value
from ..later import later

_MAGIC = frozenset("*?[")
_RANDOM = later(r"[a-z0-9_]{8,}")
"""What :mod:`tempfile` draws, with what of the prefix can't be told from it."""


class Root(Value):
    """A directory or a file that is watched, with all that is below it.

    Attributes:
        path: absolute; it need not exist.
        pattern: where only a part is watched: matches the paths of it, relative to ``path``.
        near: the pattern tells by the first name already what is watched, so nothing else is looked into.
    """

    path: str
    pattern: re.Pattern[str] | None = None
    near: bool = False

    def holds(self, path: str) -> bool:
        """Whether ``path`` is this root or below it, and is watched."""
        if path == self.path:
            return self.pattern is None
        if not path.startswith(self.path.rstrip("/") + "/"):
            return False
        return self.pattern is None or self.pattern.match(self.relative(path)) is not None

    def leads_to(self, path: str, *, folder: bool) -> bool:
        """Whether ``path``, which is below this root, is watched or on the way to what is."""
        return self.pattern is None or (folder and not self.near) or self.holds(path)

    def relative(self, path: str) -> str:
        """``path``, which is below this root, as seen from it."""
        return path[len(self.path.rstrip("/")) + 1 :]


class Roots:
    """The watched directories of one tape."""

    def __init__(self, *, ignore: Iterable[str] = (), never: Iterable[str] = ()) -> None:
        """Begin with none.

        Args:
            ignore: patterns of what is not watched: of a name anywhere, or, with a ``/`` in it, of a path
                relative to the watched directory.
            never: absolute paths of what is not watched either.
        """
        self._roots: list[Root] = []
        self._stems: dict[str, tuple[str, ...]] = {}
        self._never = frozenset(never)
        self._plain, self._names, self._paths = _parted(tuple(ignore))

    def add(self, path: str) -> None:
        """Watch ``path``, which is absolute, and all that is below it."""
        self._add(Root(os.path.normpath(path)))

    def add_near(self, path: str) -> None:
        """Watch a file that :mod:`tempfile` is about to make, and what has its name with something behind it.

        A compiler puts ``tmpab12cd34.o`` beside ``tmpab12cd34.c``, gzip ``tmpab12cd34.c.gz`` in its place.
        """
        folder, name = os.path.split(os.path.normpath(path))
        self._add_stems(folder, (_stem_of(name),))

    def _add_stems(self, folder: str, stems: Iterable[str]) -> None:
        """One root for all in a directory: each is a look at all its names."""
        known = self._stems.get(folder, ())
        self._stems[folder] = known = tuple(dict.fromkeys((*known, *stems)))
        pattern = re.compile(rf"(?:{'|'.join(map(re.escape, known))})[^/]*(?:/|\Z)", re.DOTALL)
        self._roots = [root for root in self._roots if not (root.near and root.path == folder)]
        self._add(Root(folder, pattern, near=True))

    def choose(self, wanted: str, folder: str) -> None:
        """Watch what the user asked for.

        Args:
            wanted: a path or a glob, where ``**`` is any number of directories.
            folder: what it is relative to.
        """
        whole = os.path.normpath(os.path.join(folder, os.path.expanduser(wanted)))
        parts = whole.split("/")
        first = next((i for i, part in enumerate(parts) if not _MAGIC.isdisjoint(part)), len(parts))
        if first == len(parts):
            self.add(whole)
            return
        pattern = re.compile(f"(?:{glob_regex('/'.join(parts[first:]))})(?:/|\\Z)", re.DOTALL)
        self._add(Root("/".join(parts[:first]) or "/", pattern))

    def _add(self, root: Root) -> None:
        if not any(one.pattern is None and one.holds(root.path) for one in self._roots):
            inside = [one for one in self._roots if root.pattern is None and root.holds(one.path)]
            self._roots = [one for one in self._roots if one not in inside] + [root]

    def copy_to(self, other: Roots) -> None:
        """Let ``other`` watch these, too."""
        for root in self._roots:
            if root.near:
                other._add_stems(root.path, self._stems[root.path])
            else:
                other._add(root)

    def __iter__(self) -> Iterator[Root]:
        return iter(self._roots)

    def root_of(self, path: str) -> Root | None:
        """The root by which ``path`` is watched."""
        return next((root for root in self._roots if root.holds(path)), None)

    def is_forbidden(self, path: str) -> bool:
        """Whether nobody writes there, whatever else is watched: it holds the tapes themselves."""
        return any(path == one or path.startswith(one + "/") for one in self._never)

    def plain_names(self, folder: str) -> frozenset[str]:
        """Names that are not watched in ``folder``."""
        hidden = [os.path.basename(one) for one in self._never if os.path.dirname(one) == folder]
        return self._plain.union(hidden) if hidden else self._plain

    @property
    def has_patterns(self) -> bool:
        """More than plain names is ignored."""
        return self._names is not None or self._paths is not None

    def ignores(self, root: Root, name: str, path: str) -> bool:
        """Whether ``path``, of that name and below ``root``, fits a pattern of what is ignored."""
        if self._names is not None and self._names.match(name):
            return True
        return self._paths is not None and self._paths.match(root.relative(path)) is not None


def _stem_of(name: str) -> str:
    """The name without what follows its random part, which is the last that looks like one."""
    ends = [found.end() for found in _RANDOM.finditer(name)]
    return name[: ends[-1]] if ends else name


def glob_regex(pattern: str) -> str:
    """A regular expression for a glob: ``*`` and ``?`` stay within a name, ``**`` does not."""
    out = ""
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**/", at):
            out, at = out + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        elif char == "[" and (end := pattern.find("]", at + 2)) > 0:
            inner = pattern[at + 1 : end].replace("\\", "\\\\")
            out += f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
            at = end + 1
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char))
            at += 1
    return out


@lru_cache(maxsize=32)
def _parted(ignore: tuple[str, ...]) -> tuple[frozenset[str], re.Pattern[str] | None, re.Pattern[str] | None]:
    """Plain names, and what fits the other names and the paths. All tests of a suite ignore the same."""
    patterns = [one.strip("/") for one in ignore]
    plain = frozenset(one for one in patterns if _MAGIC.isdisjoint(one) and "/" not in one)
    names = [one for one in patterns if "/" not in one and one not in plain]
    return plain, _any_of(names), _any_of([one for one in patterns if "/" in one])


def _any_of(patterns: list[str]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    return re.compile(rf"(?:{'|'.join(glob_regex(one) for one in patterns)})\Z", re.DOTALL)
