"""What the readers of other tools' recordings share: bounded reading, and what they give back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ..errors import TapeCorrupt, UsageError
from ..tape import Tape, signal_name

LARGEST = 64 << 20
"""Bytes of a source that is read at all."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A tape and the test it is for.

    Attributes:
        remark: what its reader should know, or ``""``.
    """

    test: str
    tape: Tape
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Unconvertible:
    """Something in a source that no tape can say, or that can't be known without running it.

    Attributes:
        line: from 1; 0 for the whole.
    """

    source: str
    line: int
    problem: str


class Ended(TypedDict, total=False):
    """The fields of an entry that say how the child ended."""

    exit_code: int
    signal: str


def end_fields(returncode: int) -> Ended | None:
    """As ``Popen.returncode`` has it, negative for a signal; ``None`` for what no child can end with."""
    if 0 <= returncode <= 255:
        return Ended(exit_code=returncode)
    if -64 <= returncode < 0:
        return Ended(signal=signal_name(-returncode))
    return None


def read_source(path: Path) -> bytes:
    """The bytes of a source.

    Raises:
        UsageError: it is not there.
        TapeCorrupt: it can't be read, or is larger than :data:`LARGEST`.
    """
    from ..tape.files import read_regular

    try:
        data = read_regular(path, LARGEST + 1)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    if len(data) > LARGEST:
        raise TapeCorrupt(path, "the file is too large to convert", expected=f"at most {LARGEST:,} bytes")
    return data


def node_id(path: Path, root: Path, names: str) -> str:
    """``tests/test_x.py::names`` as pytest would say it."""
    here = path.resolve()
    inside = here.relative_to(root.resolve()) if here.is_relative_to(root.resolve()) else Path(path.name)
    return f"{inside.as_posix()}::{names}"
