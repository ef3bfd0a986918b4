"""Files below the directory of the tapes that nobody owns. The census and the offer of a renamed tape ask.

Directories are listed and names compared; a tape is read only where its name is nobody's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..errors import TapeError
from ..later import later
from .files import remove
from .names import PAYLOADS, SUFFIX, tape_name
from .store import ATTEMPT, TapeStore

_HASH = later(rb"[0-9a-f]{64}")


def orphaned_tapes(
    store: TapeStore, owned: Iterable[str], keeps: Callable[[str], bool]
) -> Iterator[tuple[Path, str]]:
    """Tapes, and attempts of failed recordings, that no test owns: path and owner, in the order of the paths.

    Args:
        store: where to look.
        owned: the node ids that there are.
        keeps: whether an owner that is not among them counts all the same; ``""`` is nobody.
    """
    nodeids = set(owned)
    expected = {tape_name(nodeid) for nodeid in nodeids}
    for name in sorted(_tapes(str(store.root), "")):
        tape = name.removesuffix(ATTEMPT)
        if tape in expected:
            continue
        path = store.root / name
        owner = store.owner_of(path) or ""
        if owner in nodeids and _is_place_of(store, owner, store.root / tape):
            continue
        if not keeps(owner):
            yield path, owner


def orphaned_payloads(store: TapeStore, without: Iterable[Path] = ()) -> list[Path]:
    """Payload files that no tape names.

    Args:
        store: where to look.
        without: tapes that do not count, as they are going to be removed.
    """
    try:
        names = {entry.name for entry in os.scandir(store.payloads) if _HASH.fullmatch(entry.name.encode())}
    except OSError:
        return []
    gone = {str(path) for path in without}
    for name in _tapes(str(store.root), ""):
        if not names:
            break
        path = os.path.join(store.root, name)
        if path not in gone:
            names -= _hashes_in(path)
    return sorted(store.payloads / name for name in names)


def remove_orphans(store: TapeStore, paths: Iterable[Path]) -> None:
    """Remove these files, and the directories that are empty without them.

    Raises:
        TapeWriteError: the system refused.
    """
    for path in paths:
        remove(path)
        folder = path.parent
        while folder != store.root and folder.is_relative_to(store.root):
            try:
                folder.rmdir()
            except OSError:
                break
            folder = folder.parent


def _is_place_of(store: TapeStore, owner: str, path: Path) -> bool:
    """Whether the tape of ``owner`` is there under another name than its plain one."""
    try:
        return store.path_for(owner) == path
    except TapeError:
        return True


def _tapes(folder: str, prefix: str) -> Iterator[str]:
    """The names of tapes and attempts below ``folder``. What is hidden, or a link, is left alone."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        name = entry.name
        if name.startswith(".") or (name == PAYLOADS and not prefix):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _tapes(entry.path, f"{prefix}{name}/")
        elif name.endswith((SUFFIX, SUFFIX + ATTEMPT)) and entry.is_file(follow_symlinks=False):
            yield prefix + name


def _hashes_in(path: str) -> set[str]:
    """What could be the name of a payload; of a file that can't be read, every name that there is."""
    try:
        with open(path, "rb") as file:
            return {found.decode() for found in _HASH.findall(file.read())}
    except OSError:
        return set()
