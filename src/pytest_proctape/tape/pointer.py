"""Files that git-lfs has not fetched: a pointer of three lines stands in their place.

:mod:`.verdict` asks of a tape that is no JSON, :mod:`.damage` and :mod:`.packed` of a payload of other bytes.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import TapeCorrupt

FETCH = "fetch the files of git-lfs: git lfs pull; a CI job has to do so when it checks out"

_PROBLEM = "a pointer of git-lfs, whose file has not been fetched"
_VERSION = b"version https://git-lfs.github.com/spec/"
"""Its first line; see docs/spec.md of git-lfs."""


def is_pointer(data: bytes) -> bool:
    """Whether a file that begins with ``data`` is such a pointer."""
    return data.startswith(_VERSION)


def pointer_at(path: Path) -> bool:
    """Whether ``path`` is one; a file that can't be read is none."""
    try:
        with path.open("rb") as file:
            return is_pointer(file.read(len(_VERSION)))
    except OSError:
        return False


def unfetched(path: Path, expected: str) -> TapeCorrupt:
    """The error for a pointer where ``expected`` has to be."""
    return TapeCorrupt(path, _PROBLEM, expected=expected, next_step=FETCH)
