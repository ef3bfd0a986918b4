"""Hooks for conftest files and plugins, version 1.

Implement any of them under its name in a ``conftest.py`` or a plugin, with as many of the arguments as are
needed. Arguments may be added in later versions, and none is taken away within one. Several
implementations are called one after the other, the last one registered first, and each gets what the one
before it made. An implementation that raises fails the test with a :class:`~.errors.HookError` that
names it and its plugin.

The plugin registers this file as pluggy's hookspecs; the sessions call them through :class:`Hooks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import pluggy

from .errors import HookError

if TYPE_CHECKING:
    from .match import Asked, Difference
    from .tape import Entry, Tape

VERSION: Final = 1
"""Of the hooks; it changes when an implementation would have to."""

DROP: Final = "drop"
"""What ``pytest_proctape_before_record`` gives for an entry that is not to be recorded."""

Drop = Literal["drop"]

_T = TypeVar("_T")


# -- specifications ----------------------------------------------------------------------------

hookspec = pluggy.HookspecMarker("pytest")
"""As ``pytest.hookspec``; but ``use_tape`` works without pytest, and brings this file in."""


@hookspec
def pytest_proctape_loaded(tape: Tape, path: Path, nodeid: str) -> Tape | None:
    """A tape has been read for a test that replays from it.

    Args:
        tape: as it is in the file.
        path: the file.
        nodeid: the test, or the fixture of wider scope, that it belongs to.

    Returns:
        Another tape to replay from, as ``tape.model_copy(update=...)`` makes it; ``None`` leaves it.
    """


@hookspec(firstresult=True)
def pytest_proctape_match(
    asked: Asked, entry: Entry, differences: Sequence[Difference], nodeid: str
) -> bool | None:
    """A spawn is compared with an entry of the tape.

    It must depend on nothing but its arguments, and change nothing: it is called more than once for a
    spawn. With ``order="any"`` it is asked about one entry after the other.

    Args:
        asked: the spawn, with placeholders for what belongs to this machine.
        entry: the one it may be.
        differences: what keeps it from being that, by the fields of ``match_on``; none for a match.
        nodeid: the test.

    Returns:
        Whether they match; ``None`` leaves it to the differences, or to the next implementation.
    """


@hookspec
def pytest_proctape_before_replay(entry: Entry, asked: Asked, nodeid: str) -> Entry | None:
    """An entry is about to be replayed.

    Args:
        entry: as it is on the tape.
        asked: the spawn that it answers.
        nodeid: the test.

    Returns:
        The entry to play in its place; ``None`` leaves it. The tape does not change.
    """


@hookspec
def pytest_proctape_before_record(entry: Entry, nodeid: str) -> Entry | Drop | None:
    """An entry is about to be recorded: its child has ended, or the test has.

    Args:
        entry: as it would be on the tape.
        nodeid: the test.

    Returns:
        The entry to record in its place; ``"drop"`` to record none, so that on replay
        this spawn fails like any other that was not recorded unless the test answers it with
        ``tape.add``; ``None`` leaves it.
    """


@hookspec
def pytest_proctape_before_write(tape: Tape, path: Path, nodeid: str) -> Tape | None:
    """A tape is about to be written, also the attempt of a recording that failed.

    Args:
        tape: as it was recorded. Entries in which nothing has changed since the last recording will stay
            as they are in the file.
        path: the file of the test's tape; an attempt goes beside it.
        nodeid: the test.

    Returns:
        The tape to write in its place; ``None`` leaves it.
    """


@hookspec
def pytest_proctape_normalise(data: bytes, field: str, nodeid: str) -> bytes | None:
    """``--verify-tapes`` compares what the tape has with what a real command did; both come through here.

    What differs in every run is to look the same behind it. The patterns of ``tapes_volatile`` have been
    applied before. It must depend on nothing but its arguments.

    Args:
        data: a whole stream, the content of a file, a word of a command line, or a path.
        field: which: ``"stdin"``, ``"stdout"``, ``"stderr"``, ``"descriptor 5"``, the path of the file as on
            the tape, ``"command"``, ``"cwd"`` or ``"path"``.
        nodeid: the test.

    Returns:
        What to compare in its place; ``None`` leaves it.
    """


NAMES: Final = tuple(name for name in dir() if name.startswith("pytest_proctape_"))


# -- calls -------------------------------------------------------------------------------------


class Hooks:
    """The implementations that hold for one test; calling one that nobody implements costs a look.

    The names of the methods are those of the hooks without ``pytest_proctape_``.
    """

    def __init__(self, relay: object = None, nodeid: str = "") -> None:
        """Look up who implements what.

        Args:
            relay: ``item.ihook``, which leaves out conftest files of other directories.
            nodeid: the test.
        """
        self._nodeid = nodeid
        self._found: dict[str, list[pluggy.HookImpl]] = {}
        for name in NAMES if relay is not None else ():
            found = getattr(relay, name).get_hookimpls()
            if found:
                # Pluggy calls the last one first.
                self._found[name] = found[::-1]

    def has(self, name: str) -> bool:
        """Whether anybody implements ``pytest_proctape_<name>``."""
        return f"pytest_proctape_{name}" in self._found

    def loaded(self, tape: Tape, path: Path) -> Tape:
        """The tape to replay from.

        Raises:
            HookError: an implementation failed.
        """
        return self._chain("loaded", "tape", tape, path=path) or tape

    def match(self, asked: Asked, entry: Entry, differences: tuple[Difference, ...]) -> bool | None:
        """What the implementations say of a match.

        Raises:
            HookError: as :meth:`loaded`.
        """
        for one in self._found.get("pytest_proctape_match", ()):
            said = self._call(one, {"asked": asked, "entry": entry, "differences": differences})
            if said is not None:
                if not isinstance(said, bool):
                    raise HookError("pytest_proctape_match", one.plugin_name, f"gave {said!r}, not a bool")
                return said
        return None

    def before_replay(self, entry: Entry, asked: Asked) -> Entry:
        """The entry to play.

        Raises:
            HookError: as :meth:`loaded`.
        """
        return self._chain("before_replay", "entry", entry, asked=asked) or entry

    def before_record(self, entry: Entry) -> Entry | None:
        """The entry to record; ``None`` for none.

        Raises:
            HookError: as :meth:`loaded`.
        """
        return self._chain("before_record", "entry", entry)

    def before_write(self, tape: Tape, path: Path) -> Tape:
        """The tape to write.

        Raises:
            HookError: as :meth:`loaded`.
        """
        return self._chain("before_write", "tape", tape, path=path) or tape

    def normalise(self, data: bytes, field: str) -> bytes:
        """What to compare.

        Raises:
            HookError: as :meth:`loaded`.
        """
        for one in self._found.get("pytest_proctape_normalise", ()):
            said = self._call(one, {"data": data, "field": field})
            if not isinstance(said, bytes | None):
                raise HookError("pytest_proctape_normalise", one.plugin_name, f"gave {said!r:.80}, not bytes")
            data = data if said is None else said
        return data

    def _chain(self, name: str, argument: str, value: _T, **others: object) -> _T | None:
        """``value``, through each implementation in turn; ``None`` when one drops it."""
        hook = f"pytest_proctape_{name}"
        for one in self._found.get(hook, ()):
            said = self._call(one, {argument: value, **others})
            if said == DROP and name == "before_record":
                return None
            if said is not None:
                value = _checked(hook, one.plugin_name, said, type(value))
        return value

    def _call(self, implementation: pluggy.HookImpl, arguments: dict[str, object]) -> object:
        hook = implementation.function.__name__
        if implementation.hookwrapper or implementation.wrapper:
            raise HookError(hook, implementation.plugin_name, "is a wrapper, and there is nothing to wrap")
        arguments["nodeid"] = self._nodeid
        try:
            given = [arguments[name] for name in implementation.argnames]
            result: object = implementation.function(*given)
        except Exception as error:
            problem = f"raised {type(error).__name__}: {error}"
            wrong = HookError(hook, implementation.plugin_name, problem)
            # Its own frames are the ones worth seeing.
            raise wrong.with_traceback(error.__traceback__) from None
        return result


def _checked(hook: str, plugin: str, said: object, kind: type[_T]) -> _T:
    """What a hook gave, which can't be trusted: ``model_copy`` checks nothing."""
    if not isinstance(said, kind):
        raise HookError(hook, plugin, f"gave {said!r:.80}, which is neither {kind.__name__} nor None")
    try:
        # pydantic is not imported for those who tape nothing.
        plain = said.model_dump()  # type: ignore[attr-defined]
        checked: _T = kind.model_validate(plain)  # type: ignore[attr-defined]
    except ValueError as error:
        raise HookError(hook, plugin, f"gave what can't be on a tape: {error}") from error
    return checked
