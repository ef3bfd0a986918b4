"""Where the tape of a test lies: from a node id to a path, and nothing else.

Pure functions without a file system; the store calls them. A path never leaves the directory of the
tapes, is a legal name in a checkout on any system, and two node ids never get the same path. Two
paths can still be one on a file system that is blind to case; the store then takes the hashed form.
"""

from __future__ import annotations

import functools
import hashlib
import string
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

SUFFIX = ".json"
PAYLOADS = "_payloads"
"""The directory of the payload files, beside those of the test modules."""

AMBIENT = "@ambient"
CACHED = "@cached"
TOOLS = "@tools"
"""Owners that are no files: their tapes lie beside the folders, where no test's can be."""

SHARED = frozenset([AMBIENT, CACHED, TOOLS])

_LIMIT = 120
"""Bytes of one part of a path. File systems take 255; eCryptfs 143, see its kernel documentation."""

_HASH_DIGITS = 10
_PLAIN = frozenset("_-.,=+@[]")
_SAFE = _PLAIN.union(string.ascii_letters, string.digits)
"""Of these is nearly every name; the others are looked at character by character."""
_HEX = frozenset("0123456789abcdef")
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{name}{digit}" for name in ("COM", "LPT") for digit in "0123456789¹²³")]
)
"""Reserved on Windows, with any extension.

https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
"""
_DEVICE_STARTS = frozenset(name[:3] for name in _DEVICES)


def tape_path(nodeid: str) -> PurePosixPath:
    """The tape of ``nodeid``, relative to the directory of the tapes.

    ``tests/test_git.py::TestLog::test_x[a-b]`` lies at ``tests/test_git/TestLog.test_x[a-b].json``.
    Whatever a path can't say as it is gets the hash of the whole node id behind its name.
    """
    return PurePosixPath(tape_name(nodeid))


@functools.lru_cache(maxsize=64)  # what is asked of one test is asked again and again
def tape_name(nodeid: str) -> str:
    """:func:`tape_path` as text, for when there are many."""
    if nodeid in SHARED:
        return nodeid + SUFFIX
    folders, name, exact = _parts_of(nodeid)
    return "/".join([*folders, (name if exact else _with_hash(name, nodeid)) + SUFFIX])


@functools.lru_cache(maxsize=64)
def _folder_of_module(module: str) -> str:
    return "/".join(_folders_of(module.removesuffix(".py")))


def folder_of(nodeid: str) -> str:
    """The folder of :func:`tape_name`, ``""`` for that of all tapes; nearly for nothing."""
    return "" if nodeid in SHARED else _folder_of_module(nodeid.partition("::")[0])


def looks_hashed(name: str) -> bool:
    """Whether ``name``, of a file, may be one that :func:`hashed_tape_path` gives."""
    return _has_hash(fold(name).removesuffix(SUFFIX))


def _has_hash(name: str) -> bool:
    digits = name[-_HASH_DIGITS:]
    return name[: -len(digits)].endswith("-") and len(digits) == _HASH_DIGITS and _HEX.issuperset(digits)


def hashed_tape_path(nodeid: str) -> PurePosixPath:
    """The same, always with the hash: for when :func:`tape_path` meets another test's."""
    folders, name, _ = _parts_of(nodeid)
    return PurePosixPath(*folders, _with_hash(name, nodeid) + SUFFIX)


def fold(name: str) -> str:
    """Equal for names that are one file where case, or the form of an accent, makes no difference."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def equals(name: str, names: Iterable[str]) -> list[str]:
    """Those of ``names`` that :func:`fold` makes the same as ``name``."""
    folded = fold(name)
    # Of a directory of thousands all are asked about, for each tape that is written.
    return [one for one in names if (one.lower() if one.isascii() else fold(one)) == folded]


def _parts_of(nodeid: str) -> tuple[tuple[str, ...], str, bool]:
    """Folders and name without suffix, and whether they say the whole node id."""
    module, separator, rest = nodeid.partition("::")
    stem = module.removesuffix(".py")
    exact = bool(separator) and stem != module
    scopes, bracket, parameters = rest.partition("[")
    # "a.b::c" and "a::b.c" would be one name. A dot in a Python name is rare (doctests have it).
    exact = exact and "." not in scopes
    wanted = [*stem.split("/"), scopes.replace("::", ".") + bracket + parameters]
    folders = _folders_of(stem)
    name = _cut(_safe(wanted[-1]), _LIMIT)
    exact = exact and [*folders, name] == wanted and not _has_hash(name)
    return folders, name, exact


@functools.lru_cache(maxsize=1024)
def _folders_of(stem: str) -> tuple[str, ...]:
    """The folders for a module. Its tests come one after the other."""
    folders = [_cut(_safe(part), _LIMIT) for part in stem.split("/")]
    folders = [folder[:-1] + "_" if folder.endswith(".") else folder for folder in folders]
    # A folder must not be where another test's tape or the payloads are.
    folders = [f"{folder}_" if fold(folder).endswith(SUFFIX) else folder for folder in folders]
    if fold(folders[0]) == PAYLOADS:
        folders[0] += "_"
    return tuple(folders)


def _safe(part: str) -> str:
    """``part`` with ``_`` for every character that is special anywhere, never empty, never hidden."""
    if part and part[0] != "." and _SAFE.issuperset(part) and part[:3].upper() not in _DEVICE_STARTS:
        return part
    normal = unicodedata.normalize("NFC", part)
    safe = "".join(char if _is_plain(char) else "_" for char in normal) or "_"
    if safe[0] == ".":
        safe = "_" + safe[1:]
    if safe.partition(".")[0].upper() in _DEVICES:
        safe = "_" + safe
    return safe


def _is_plain(char: str) -> bool:
    return char in _PLAIN or unicodedata.category(char)[0] in "LMN"


def _with_hash(name: str, nodeid: str) -> str:
    digest = hashlib.sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{_cut(name, _LIMIT - _HASH_DIGITS - 1)}-{digest}"


def _cut(text: str, limit: int) -> str:
    """The beginning of ``text`` that takes at most ``limit`` bytes."""
    data = text.encode("utf-8")
    return text if len(data) <= limit else data[:limit].decode("utf-8", "ignore")
