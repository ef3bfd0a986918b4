"""The project's own Python code that a command runs: ``python -m tool``, or the script ``tool``.

A replay runs none of it, so a test of such a command would go on passing whatever becomes of the code.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from os.path import basename, dirname, isfile, join

from .. import effects
from ..later import later
from .crossing import SCAN_LIMIT

_WITH_VALUE = frozenset(["-W", "-X", "--check-hash-based-pycs"])
"""Options of Python that take the next word."""

_IMPORTED = later(rb"^\s*(?:from|import) ([A-Za-z_]\w*)")
_SHORT = 1 << 13
"""Bytes that a script of an entry point has at most."""

_ACCESS = os.access
"""As it was when the package was imported."""

_hashes: dict[str, tuple[object, str]] = {}
"""Of packages, with the names, sizes and times of the files in them."""


def package_of(program: str, args: Sequence[str], folders: Sequence[str]) -> tuple[str, str] | None:
    """The package, or the module alone, that a command line runs: its name and its path.

    Args:
        program: what is executed.
        args: the arguments behind it.
        folders: where to look for it before the places where this Python does.
    """
    names = _modules(program, args)
    for name in names:
        path = _path_of(name, folders)
        if path:
            return name, path
    return None


def _modules(program: str, args: Sequence[str]) -> list[str]:
    """What may be the package."""
    name = basename(program)
    if name.startswith(("python", "pypy")) or program == sys.executable:
        module = _named_by_option(args)
        return [module.partition(".")[0]] if module else []
    script = join(dirname(sys.executable), name)
    if not _ACCESS(script, os.R_OK) or program not in (name, script):
        return []
    _, text = effects.regular(script, _SHORT) or (None, None)
    if text is None or not text.startswith(b"#!"):
        return []
    found = (_IMPORTED.match(line) for line in text.splitlines())
    return [one[1].decode() for one in found if one is not None]


def _named_by_option(args: Sequence[str]) -> str:
    """What stands behind ``-m``."""
    words = iter(args)
    for word in words:
        if word in _WITH_VALUE:
            next(words, "")
        elif not word.startswith("-") or (not word.startswith("--") and word.endswith(("-", "c"))):
            return ""
        elif not word.startswith("--") and word.endswith("m"):
            return next(words, "")
    return ""


def _path_of(name: str, folders: Sequence[str]) -> str:
    for folder in folders:
        path = join(folder, name)
        if isfile(join(path, "__init__.py")):
            return path
        if isfile(path + ".py"):
            return path + ".py"
    # Whatever finders there are, and whatever they raise.
    with suppress(Exception):
        spec = find_spec(name)
        if spec is not None and spec.has_location and spec.origin:
            return dirname(spec.origin) if basename(spec.origin).startswith("__init__.") else spec.origin
    return ""


def hash_of(path: str) -> str:
    """The hash of a module, or of all Python files of a package; ``""`` where there are none.

    It is made once, as long as none of them changes.
    """
    files = sorted(_files(path))
    if not files:
        return ""
    known, sha256 = _hashes.get(path, (None, ""))
    if known != files:
        whole = hashlib.sha256()
        for name, *_ in files:
            _, data = effects.regular(join(path, name) if name else path, SCAN_LIMIT) or (None, None)
            whole.update(f"{name}\0{hashlib.sha256(data or b'').hexdigest()}\n".encode("utf-8", "replace"))
        sha256 = whole.hexdigest()
        _hashes[path] = files, sha256
    return sha256


def _files(path: str) -> Iterator[tuple[str, int, int]]:
    """Names below ``path``, sizes and times."""
    with suppress(OSError):
        if isfile(path):
            status = os.stat(path)
            yield "", status.st_size, status.st_mtime_ns
    for folder, _, names in os.walk(path):
        for name in names:
            # That one is written when the package is built, and says at which commit.
            if name.endswith(".py") and name != "_version.py":
                with suppress(OSError):
                    status = os.stat(join(folder, name))
                    yield os.path.relpath(join(folder, name), path), status.st_size, status.st_mtime_ns
