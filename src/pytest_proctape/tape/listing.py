"""What lies in a directory of tapes: :class:`Listing`. The command ``proctape`` looks through it.

Symbolic links are not followed, and a name that begins with a dot is not looked at, but for the
unfinished files of this package.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import TapeError
from ..later import later
from .base import Model
from .files import TEMPORARY, check_inside, remove
from .model import Payload, Tape
from .names import PAYLOADS, SUFFIX
from .store import ATTEMPT

_MAY_HOLD = (Model, tuple, dict)
_PAYLOAD_NAME = later(r"[0-9a-f]{64}(\..*)?\Z", re.DOTALL)


@dataclass(slots=True)
class Listing:
    """The files below ``root``, each kind in the order of its paths.

    Attributes:
        root: a directory of tapes, or one inside it.
        tapes: tape files.
        attempts: what failed recordings left beside them.
        payloads: payload files.
        unfinished: temporary files of a recording that was cut off, or that is still going on.
        others: what has no business there, symbolic links among it.
    """

    root: Path
    tapes: list[Path] = field(default_factory=list)
    attempts: list[Path] = field(default_factory=list)
    payloads: list[Path] = field(default_factory=list)
    unfinished: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    @classmethod
    def of(cls, root: Path) -> Listing:
        """Look through ``root``.

        Raises:
            TapeError: a directory can't be listed.
        """
        listing = cls(root)
        for folder, folders, names in os.walk(root, onerror=_refused):
            here = Path(folder)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            links = [name for name in folders if here.joinpath(name).is_symlink()]
            for name in sorted([*names, *links]):
                listing._add(here / name)
        return listing

    def _add(self, path: Path) -> None:
        name = path.name
        if TEMPORARY.fullmatch(name):
            self.unfinished.append(path)
        elif name.startswith("."):
            return
        elif not stat.S_ISREG(path.lstat().st_mode):
            self.others.append(path)
        elif path.parent.name == PAYLOADS:
            (self.payloads if _PAYLOAD_NAME.match(name) else self.others).append(path)
        elif name.endswith(SUFFIX):
            self.tapes.append(path)
        elif name.endswith(SUFFIX + ATTEMPT):
            self.attempts.append(path)
        else:
            self.others.append(path)


def payload_hash(path: Path) -> str:
    """The hash that the name of a payload file claims."""
    return path.name[:64]


def payloads_of(tape: Tape) -> Iterator[Payload]:
    """Every payload that ``tape`` names, wherever; one that is named twice comes twice."""
    pending: list[object] = [tape]
    while pending:
        value = pending.pop()
        if isinstance(value, Payload):
            yield value
        elif isinstance(value, Model):
            # Most of a tape is text, and plain values.
            pending.extend(one for one in vars(value).values() if isinstance(one, _MAY_HOLD))
        elif isinstance(value, tuple | dict):
            inside = value.values() if isinstance(value, dict) else value
            pending.extend(one for one in inside if isinstance(one, _MAY_HOLD))


def discard(path: Path, root: Path) -> bool:
    """Remove a file that a listing of ``root`` found; whether it was still there.

    Raises:
        TapeError: its path leads out of ``root`` by now.
        TapeWriteError: the system refused.
    """
    check_inside(path.parent, root)
    return remove(path)


def _refused(error: OSError) -> None:
    raise TapeError(
        Path(error.filename),
        f"the directory can't be read: {error.strerror}",
        expected="a directory of tapes",
        next_step="check what is there, and its permissions",
    ) from error
