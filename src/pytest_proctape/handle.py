"""The object that the ``tape`` fixture gives to a test."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict, Unpack, overload

from .errors import UsageError
from .session import said_of
from .session.answers import Word

if TYPE_CHECKING:
    from .match import Judge
    from .session import Mode as SessionMode
    from .session import Player, TapedChild, TapedSpawn
    from .tape import Entry


class AddedOutput(TypedDict, total=False):
    """What an added answer may say beside how the command ends.

    Attributes:
        stdout, stderr: what it writes; text is UTF-8. Nothing by default.
        stdin: what it must be sent; anything may be by default.
        cwd: where it must run; anywhere by default.
        times: how many spawns it answers, 1 by default; ``None`` for any number, also none.
    """

    stdout: str | bytes
    stderr: str | bytes
    stdin: str | bytes
    cwd: str | os.PathLike[str]
    times: int | None


class OverriddenOutput(TypedDict, total=False):
    """What an override may say beside how the command ends; what it does not say is as recorded.

    Attributes:
        stdout, stderr: what it writes; text is UTF-8.
        cut_stdout, cut_stderr: how many bytes of it come out.
        cwd: where it must run; anywhere by default.
        times: how many spawns it answers, 1 by default; ``None`` for any number, also none.
    """

    stdout: str | bytes
    stderr: str | bytes
    cut_stdout: int
    cut_stderr: int
    cwd: str | os.PathLike[str]
    times: int | None


class HasSession(Protocol):
    """Who has the session, or makes it when it is asked for."""

    @property
    def session(self) -> Player:
        """The session of the test."""


class TapeHandle:
    """The tape of the running test.

    Attributes are read while the test runs; after it they tell what there was at its end.
    """

    def __init__(self, source: HasSession) -> None:
        self._source = source

    @property
    def _session(self) -> Player:
        return self._source.session

    @property
    def mode(self) -> SessionMode:
        """``"replay"``, ``"record"``, ``"update"`` (replay what is there, else record) or ``"live"``."""
        return self._session.mode

    @property
    def path(self) -> Path:
        """Where the tape is, or will be."""
        return self._session.path

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries that the tape had when the test began; none where there is no tape.

        Raises:
            TapeError: there is a tape and it can't be read.
        """
        return self._session.entries

    @property
    def spawns(self) -> list[TapedSpawn]:
        """The spawns made so far, in order, each with its result."""
        return list(self._session.spawns)

    @property
    def children(self) -> list[TapedChild]:
        """The children, in the order of their starts, each with its status and its output so far.

        Of very many, those that have finished are forgotten, the oldest first. A live test has none.
        """
        return list(self._session.roll)

    @property
    def matcher(self) -> Judge | None:
        """Says whether a spawn is an entry of the tape, in the place of the settings; ``None`` for nobody.

        Set it to a callable that is given the spawn (``pytest_proctape.Asked``), the entry, and the
        differences between them, and gives true, false, or ``None`` to leave it to the differences. It must
        depend on nothing else: it is called more than once for a spawn. For a whole suite there is the
        hook ``pytest_proctape_match``.
        """
        return self._session.matcher

    @matcher.setter
    def matcher(self, matcher: Judge | None) -> None:
        self._session.matcher = matcher

    @overload
    def add(self, command: Sequence[Word], *, exit_code: int = 0, **output: Unpack[AddedOutput]) -> None: ...
    @overload
    def add(self, command: Sequence[Word], *, signal: str | int, **output: Unpack[AddedOutput]) -> None: ...
    @overload
    def add(
        self, command: Sequence[Word], *, hangs: Literal[True], **output: Unpack[AddedOutput]
    ) -> None: ...
    @overload
    def add(self, command: Sequence[Word], *, spawn_error: str | int, times: int | None = 1) -> None: ...

    def add(
        self,
        command: Sequence[Word],
        *,
        exit_code: int | None = None,
        signal: str | int | None = None,
        hangs: bool = False,
        spawn_error: str | int | None = None,
        **output: Unpack[AddedOutput],
    ) -> None:
        """Answer a command by hand; no tape is needed for it, and none is written of it.

        What is added comes before the tape: the next spawn that is this command gets this answer,
        wherever the tape is, in every mode. The real command is not run, not even while recording. A test
        that never asks for it fails.

        Args:
            command: program and arguments, with ``...`` for any number of arguments.
            exit_code: how it ends, 0 to 255.
            signal: what kills it, ``"SIGKILL"`` or its number.
            hangs: it ends when the test kills it, and any ``timeout=`` expires, at once.
            spawn_error: why it can't be started, ``"ENOENT"`` or its number.
            output: see :class:`AddedOutput`.

        Raises:
            UsageError: two ends, or a value that can't be.
        """
        if isinstance(command, str | bytes) or not command:
            raise UsageError(f'tape.add takes a list of words, as ["git", "push"], not {command!r}')
        said = said_of(exit_code, signal, spawn_error, hangs=hangs, **output)
        self._session.say(command[0], command[1:], output.get("cwd"), said, times=output.get("times", 1))

    @overload
    def override(
        self,
        program: Word | None = None,
        args: Sequence[Word] | None = None,
        *,
        exit_code: int = ...,
        **output: Unpack[OverriddenOutput],
    ) -> None: ...
    @overload
    def override(
        self,
        program: Word | None = None,
        args: Sequence[Word] | None = None,
        *,
        signal: str | int,
        **output: Unpack[OverriddenOutput],
    ) -> None: ...
    @overload
    def override(
        self,
        program: Word | None = None,
        args: Sequence[Word] | None = None,
        *,
        hangs: Literal[True],
        **output: Unpack[OverriddenOutput],
    ) -> None: ...
    @overload
    def override(
        self,
        program: Word | None = None,
        args: Sequence[Word] | None = None,
        *,
        spawn_error: str | int,
        times: int | None = 1,
    ) -> None: ...

    def override(
        self,
        program: Word | None = None,
        args: Sequence[Word] | None = None,
        *,
        exit_code: int | None = None,
        signal: str | int | None = None,
        hangs: bool = False,
        spawn_error: str | int | None = None,
        **output: Unpack[OverriddenOutput],
    ) -> None:
        """Make a recorded command go another way: fail, hang, be killed, or say something else.

        The next spawn that is this command consumes its entry and gets what is said here; what is not said
        is as recorded. What the test does then need not be all that is on the tape: entries may be passed
        over and left over. In the other modes the command is not run, and nothing of it is recorded.
        A test that never asks for it fails.

        Args:
            program: as the test names it; ``None`` for any.
            args: the arguments, with ``...`` for any number of them; ``None`` for any.
            exit_code: how it ends, 0 to 255.
            signal: what kills it, ``"SIGKILL"`` or its number.
            hangs: it ends when the test kills it, and any ``timeout=`` expires, at once.
            spawn_error: why it can't be started, ``"ENOENT"`` or its number.
            output: see :class:`OverriddenOutput`.

        Raises:
            UsageError: two ends, nothing at all, or a value that can't be.
        """
        said = said_of(exit_code, signal, spawn_error, hangs=hangs, **output)
        if said == said_of():
            raise UsageError("tape.override changes nothing: say exit_code=, signal=, stdout= or another")
        self._session.say(
            program, args, output.get("cwd"), said, times=output.get("times", 1), overrides=True
        )

    def __repr__(self) -> str:
        count = len(self._session.spawns)
        return f"<tape {self.path} ({self.mode}, {count} {'spawn' if count == 1 else 'spawns'})>"
