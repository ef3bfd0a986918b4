"""Every error the package raises, in one tree.

::

    ProctapeError
    ├── UsageError           an option, marker or ini value that is not understood
    ├── TapeError            carries the path of the tape
    │   ├── TapeNotFound     replay was asked for and there is no tape
    │   ├── TapeCorrupt      not JSON, truncated, a wrong type or field, a payload that does not match
    │   ├── TapeVersionError written by a version of the format that this package does not read
    │   └── TapeWriteError   the tape could not be stored; what was there before is untouched
    ├── ReplayError          carries the spawn, the nearest entries and the differences
    │   ├── Divergence       the test asked for something else than the tape has next
    │   ├── Exhaustion       it asked for more than the tape has
    │   ├── Leftover         it asked for less
    │   └── EffectFailed     a file that a command had made could not be put in its place
    ├── RecordError
    │   ├── SpawnTimeout     a child ran longer than the recording allows
    │   ├── OutputLimitExceeded a child wrote more than it allows
    │   ├── TooManyChildren  more of them ran at once
    │   ├── UnredactableOutput  a child wrote a secret into more than can be rewritten
    │   └── EffectsLimitExceeded  the files that commands made are larger than a tape may keep
    ├── HookError            a hook of a conftest file or a plugin failed
    ├── WasiError            a module of the virtual toolchain that can't be run, or went wrong
    ├── Drift                the real tool no longer does what the tape says
    └── UnsupportedSpawn     a road to a process that can't be recorded or replayed

None of them is an ``OSError`` or a ``subprocess.SubprocessError``: code that expects a command to
fail must not take a wrong tape for a failing command.

The file imports nothing of the package and is imported by every room.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .match import Asked, Difference, Near

__all__ = [
    "Divergence",
    "Drift",
    "EffectFailed",
    "EffectsLimitExceeded",
    "Exhaustion",
    "HookError",
    "Leftover",
    "OutputLimitExceeded",
    "ProctapeError",
    "RecordError",
    "ReplayError",
    "SpawnTimeout",
    "TapeCorrupt",
    "TapeError",
    "TapeNotFound",
    "TapeVersionError",
    "TapeWriteError",
    "TooManyChildren",
    "UnredactableOutput",
    "UnsupportedSpawn",
    "UsageError",
    "WasiError",
]


def _told(headline: str, *facts: tuple[str, str]) -> str:
    """A headline, and below it a line for each fact that is known: its label and its text."""
    return "\n".join([headline, *(f"  {label}{text}" for label, text in facts if text)])


class ProctapeError(Exception):
    """The root: everything that this package raises on purpose."""


class UsageError(ProctapeError):
    """An option, a marker argument or an ini value that is not understood."""


class TapeError(ProctapeError):
    """Something is wrong with a tape file.

    Attributes:
        path: the file.
        place: where in the file (``line 3, column 9`` or ``entries[2].stdout``), or ``""``.
        expected: what should have been there, or ``""``.
        next_step: what to do about it, or ``""``.
    """

    def __init__(
        self,
        path: Path,
        problem: str,
        *,
        place: str = "",
        expected: str = "",
        next_step: str = "",
    ) -> None:
        self.path = path
        self.problem = problem
        self.place = place
        self.expected = expected
        self.next_step = next_step
        super().__init__(path, problem)

    def __str__(self) -> str:
        return _told(
            f"{self.path}: {self.problem}",
            ("at:       ", self.place),
            ("expected: ", self.expected),
            ("next:     ", self.next_step),
        )


class TapeNotFound(TapeError):
    """A spawn was made on replay and the test has no tape."""


class TapeCorrupt(TapeError):
    """A tape or payload can't be read as what it claims to be. It is never treated as missing."""


class TapeVersionError(TapeError):
    """The tape's format version is not one that this package reads."""


class TapeWriteError(TapeError):
    """The tape could not be written; an older tape at the same place is still whole."""


class ReplayError(ProctapeError):
    """The test and its tape disagree.

    Attributes:
        headline: one line, what went wrong.
        spawn: what the test asked for, in the terms of the tape; ``None`` for :class:`Leftover`.
        near: entries worth looking at, the expected one first.
        differences: field by field, between ``spawn`` and the expected entry.
        place: ``file:line in function`` of the user's code that made the spawn, or ``""``.
        next_step: the command that records this test again, or ``""``.
        report: the whole text, as shown in the test's failure.
    """

    def __init__(
        self,
        headline: str,
        *,
        report: str = "",
        spawn: Asked | None = None,
        near: Sequence[Near] = (),
        differences: Sequence[Difference] = (),
        place: str = "",
        next_step: str = "",
    ) -> None:
        self.headline = headline
        self.report = report or headline
        self.spawn = spawn
        self.near = tuple(near)
        self.differences = tuple(differences)
        self.place = place
        self.next_step = next_step
        super().__init__(headline)

    def __str__(self) -> str:
        return self.report


class Divergence(ReplayError):
    """The test asked for something else than the tape has next."""


class Exhaustion(ReplayError):
    """The test asked for more than the tape has."""


class Leftover(ReplayError):
    """The test asked for less than the tape has."""


class EffectFailed(ReplayError):
    """The system refused to put a file where a command had put it."""


class RecordError(ProctapeError):
    """A recording was stopped because a limit was reached.

    Attributes:
        words: what was reached, and where the limit was set.
        command: the command line of the child, or ``""``.
        place: where in the user's code it was started, or ``""``.
        next_step: what to do about it.
    """

    def __init__(self, words: str, *, command: str = "", place: str = "", next_step: str = "") -> None:
        self.words = words
        self.command = command
        self.place = place
        self.next_step = next_step
        super().__init__(words)

    def __str__(self) -> str:
        headline = f"`{self.command}` {self.words}" if self.command else self.words
        return _told(headline, ("started at ", self.place), ("next: ", self.next_step))


class SpawnTimeout(RecordError):
    """A child ran longer than the recording allows."""


class OutputLimitExceeded(RecordError):
    """A child wrote more than the recording allows."""


class TooManyChildren(RecordError):
    """More children were running at once than the recording allows."""


class UnredactableOutput(RecordError):
    """A stream of a child holds a secret and is too large for it to be taken out, so nothing of it was kept.

    Attributes:
        command: what was run, ``""`` if that is not known.
        limit: bytes up to which a stream can be rewritten.
    """

    def __init__(self, limit: int, command: str = "") -> None:
        super().__init__("has a secret in a stream that is too large to be rewritten", command=command)
        self.limit = limit
        self.args = (limit, command)

    def __str__(self) -> str:
        return (
            f"`{self.command}`: what looks like a secret is in a stream that is too large to be rewritten\n"
            f"  expected: at most {self.limit} bytes, or no secret\n"
            "  next:     let the command say less; or, where you know that it is no secret, say\n"
            "            tapes_keep_unscanned = true in the ini file: such streams are kept as they are"
        )


class EffectsLimitExceeded(RecordError):
    """The files that commands made are larger than a tape may keep.

    Attributes:
        limit: in bytes.
        total: what would have to be kept, in bytes.
        biggest: paths and sizes, the largest first.
    """

    def __init__(self, limit: int, total: int, biggest: Sequence[tuple[str, int]]) -> None:
        self.limit = limit
        self.total = total
        self.biggest = tuple(biggest)
        super().__init__(f"made files of {total} bytes, and a tape may keep {limit}")
        self.args = (limit, total, biggest)

    def __str__(self) -> str:
        lines = [f"the files that commands made have {self.total} bytes, and a tape may keep {self.limit}"]
        lines += [f"  {size:>12} bytes  {path}" for path, size in self.biggest]
        lines.append(
            "  next:     leave files out with tapes_effects_ignore, or keep more with tapes_effects_limit"
        )
        return "\n".join(lines)


class HookError(ProctapeError):
    """A hook, or a matcher of the test's own, raised an error or gave what it must not.

    Attributes:
        hook: its name.
        plugin: who implements it, as pytest calls it: for a conftest file, its path.
        problem: what went wrong.
    """

    def __init__(self, hook: str, plugin: str, problem: str) -> None:
        self.hook = hook
        self.plugin = plugin
        self.problem = problem
        super().__init__(hook, plugin, problem)

    def __str__(self) -> str:
        return (
            f"{self.hook} of {self.plugin} {self.problem}\n"
            "  next:     mend it and run the test again; nothing that it was asked about was written"
        )


class WasiError(ProctapeError):
    """A module of the virtual toolchain can't be run, or went wrong while it ran.

    Attributes:
        path: of the module.
        problem: what is wrong with it, as in ``"has no _start"``.
        next_step: what to do about it.
        place: where in the user's code it was started, or ``""``.
    """

    def __init__(self, path: Path, problem: str, next_step: str, *, place: str = "") -> None:
        self.path = path
        self.problem = problem
        self.next_step = next_step
        self.place = place
        super().__init__(path, problem, next_step)

    def __str__(self) -> str:
        headline = f"{self.path} {self.problem}"
        return _told(headline, ("started at ", self.place), ("next:     ", self.next_step))


class Drift(ProctapeError):
    """The real tool no longer does what the tape says."""


class UnsupportedSpawn(ProctapeError):
    """A road to a process that can't be recorded or replayed.

    Attributes:
        road: the call that was made, for example ``"os.exec"``.
    """

    def __init__(self, road: str, reason: str) -> None:
        self.road = road
        self.reason = reason
        super().__init__(road, reason)

    def __str__(self) -> str:
        return f"{self.road}: {self.reason}"
