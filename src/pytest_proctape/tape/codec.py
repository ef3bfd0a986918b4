"""Bytes of a tape file to a :class:`~.model.Tape` and back: :func:`loads` and :func:`dumps`.

The store calls both. Reading is strict and never guesses: every way to be wrong is a
:class:`~..errors.TapeCorrupt` or a :class:`~..errors.TapeVersionError` that says where.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import TapeError
from ..uncollected import uncollected
from ..unfaked import OwnPath
from .checks import problems, signal_problems
from .model import Tape
from .place import corrupt
from .problem import Problem
from .reader import read

_FEW = 1 << 16
"""Bytes of a tape that makes so few objects that nobody looks for garbage among them."""


def loads(data: bytes, path: Path) -> Tape:
    """The tape that ``data`` holds; a bare list of entries is one, too.

    Args:
        data: all bytes of the file.
        path: the file, for the errors only.

    Raises:
        TapeCorrupt: not JSON, truncated, a wrong type, an unknown field, or fields that are at odds.
        TapeVersionError: written in another version of the format.
    """
    if len(data) < _FEW:
        return _loaded(data, path)
    with uncollected():
        return _loaded(data, path)


def _loaded(data: bytes, path: Path) -> Tape:
    tape = read(data)
    if tape is None:
        from .verdict import verdict

        tape = verdict(data, path)
    for place, problem in _found(tape):
        bare = data.lstrip().startswith(b"[")
        raise corrupt(
            path, problem.problem, problem.expected, place.removeprefix("entries") if bare else place
        )
    return tape


def dumps(tape: Tape) -> bytes:
    """``tape`` as the bytes of its file.

    Fields come in the order of the models. What has its default is left out, but for the version,
    the list of entries and the durations. Equal tapes give equal bytes, and :func:`loads` gives an
    equal tape.

    Raises:
        ValueError: fields of an entry are at odds, or hold what can't be on a tape.
    """
    # Not needed by a replay, and the second by few recordings.
    from .plainly import plain_text

    if (text := plain_text(tape)) is not None:
        return text.encode("ascii")
    from .layout import text_of

    for place, problem in _found(tape):
        raise ValueError(f"{place}: {problem.problem}; expected {problem.expected}")
    data = text_of(tape).encode("utf-8")
    if read(data) is None:
        from .verdict import verdict

        try:
            verdict(data, OwnPath("tape"))
        except TapeError as error:
            raise ValueError(f"{error.place}: {error.problem}; expected {error.expected}") from error
    return data


def _found(tape: Tape) -> Iterator[tuple[str, Problem]]:
    """What is at odds, and where."""
    for problem in signal_problems(tape.signals or ()):
        yield problem.place, problem
    for index, entry in enumerate(tape.entries):
        for problem in problems(entry):
            yield f"entries[{index}].{problem.place}", problem
