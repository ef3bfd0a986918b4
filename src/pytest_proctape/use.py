"""``use_tape``: a tape without pytest, for a block, a function, unittest or a notebook.

The package's face exports it. It imports no pytest; where the code runs inside of a pytest run, that run's
command line and ini file hold here, too.
"""

from __future__ import annotations

import inspect
import os
import shlex
import sys
import unittest
import warnings
from collections.abc import AsyncIterator, Callable, Generator
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from . import intercept
from .active import SESSIONS, ActiveTape, Keeper
from .clock import CLOCK, Pace
from .cwd import working_directory
from .enclosing import RUNS, Enclosing, rules_of
from .errors import Drift, ProctapeError, UsageError
from .handle import TapeHandle
from .live import LivePatterns
from .logfile import LogFile
from .match import Terms
from .parsing import parse_mode
from .portable import Places, machine_values
from .session import Files, Player, TapeLog, VerifySession, toolchain_of
from .settings import Settings, check_asked, for_test
from .summary import drift_lines, stray_names
from .tape import SingleStore
from .tape_config import TapeConfig
from .unfaked import keep_real_files, real_files

if TYPE_CHECKING:
    _F = TypeVar("_F", bound=Callable[..., object])

MODE_VARIABLE = "PROCTAPE_MODE"
"""Outside of pytest this environment variable is what ``--record-tapes`` is inside."""
LOG_VARIABLE = "PROCTAPE_LOG"
"""And this one is what ``--tapes-log`` is."""

_ROOTS = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "setup.py", ".git")
_OUTSIDE = Enclosing(lambda: None)
_OUTSIDE.settings, _OUTSIDE.mode = Settings(), None


def use_tape(path: str | os.PathLike[str], **settings: Unpack[TapeConfig]) -> TapeUse:
    """Replay the processes of a block from the tape ``path``, or record them onto it.

    ::

        with use_tape("status.json", mode="replay") as tape:
            assert subprocess.check_output(["git", "status", "-s"]) == b""
            assert len(tape.spawns) == 1

    It is ``async with`` as well, and a decorator of functions, coroutine functions and generators, each call
    of which begins at the tape's beginning. A block that is left with an exception replaces no tape; its
    recording is kept beside it, in ``<path>.failed``.

    Args:
        path: of the tape. A relative one is taken from the directory of the file that calls ``use_tape``,
            and from the working directory where there is no such file, as in a notebook.
        settings: those of ``@pytest.mark.tape``, checked in the same way. The mode is ``replay`` where
            nobody says another. Inside of pytest, its command line wins over ``mode=``; elsewhere the
            environment variable ``PROCTAPE_MODE`` does, and ``PROCTAPE_LOG`` names the file of an event log.

    Outside of pytest, a block in the mode ``verify`` ends with a :class:`~.errors.Drift` where the real
    commands did something else, and a child that outlives its block is a :class:`ResourceWarning`.

    Raises:
        UsageError: a setting is not known, or its value is not understood.
    """
    called_in = sys._getframe(1).f_code.co_filename
    keep_real_files()
    where = f"use_tape({os.fspath(path)!r})"
    asked = check_asked(dict(settings), where, shape="{}: {}=")
    with real_files():
        in_file = os.path.isfile(called_in)
        base = os.path.dirname(os.path.abspath(called_in)) if in_file else working_directory()
        return TapeUse(Path(base, path), asked, interactive=not in_file or hasattr(sys, "ps1"))


class TapeUse:
    """What :func:`use_tape` gives: a context manager, plain and asynchronous, and a decorator."""

    def __init__(self, path: Path, asked: dict[str, object], *, interactive: bool) -> None:
        """Remember what was asked for; nothing happens before the block is entered.

        Args:
            path: of the tape, absolute.
            asked: checked settings by their names.
            interactive: there is no command to be given again.
        """
        self.path = path
        self._asked = asked
        self._interactive = interactive
        self._open: _BlockTape | None = None

    def __enter__(self) -> TapeHandle:
        if self._open is not None:
            raise UsageError(f"{self!r} is in use already: make another one for the inner block")
        with real_files():
            return self._enter()

    def _enter(self) -> TapeHandle:
        run = RUNS[-1] if RUNS else _OUTSIDE
        run.expect()
        settings = self._settings(run)
        session = self._session(settings, inside=run is not _OUTSIDE)
        log = run.log if run is not _OUTSIDE else _log_of_environment()
        if log is not None:
            session.log = TapeLog(session.places.conceal, log.write)
        block = self._open = _BlockTape(run, session, clock=settings.clock)
        try:
            block.kills_leaked = settings.kill_leaked
            return block.begin()
        except BaseException:
            self._open = None
            block.drop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        # All of it is inside: before it, an interrupt would leave the block open.
        try:
            __tracebackhide__ = True
            assert self._open is not None
            with real_files():
                self._open.leave(error)
        except BaseException:
            # Nothing where it has come to its end.
            if self._open is not None:
                self._open.drop()
            raise
        finally:
            self._open = None

    async def __aenter__(self) -> TapeHandle:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        self.__exit__(kind, error, traceback)

    def __call__(self, function: _F, /) -> _F:
        """Wrap ``function``: each call is a block of its own.

        Raises:
            UsageError: it is a class, whose tests would share one tape and depend on their order.
        """
        if isinstance(function, type):
            raise UsageError(
                f"{self!r} can't decorate the class {function.__name__}: its tests would share one tape; "
                "decorate each method, or call self.enterContext(use_tape(...)) in setUp"
            )
        wrapped: _F = _wrapped(self, function)
        return wrapped

    def __repr__(self) -> str:
        return f"use_tape({str(self.path)!r})"

    def again(self) -> TapeUse:
        """The same for another block."""
        return TapeUse(self.path, self._asked, interactive=self._interactive)

    def _settings(self, run: Enclosing) -> Settings:
        mode = run.mode
        if run is _OUTSIDE and (said := os.environ.get(MODE_VARIABLE)):
            mode = parse_mode(said, f"the environment variable {MODE_VARIABLE}")
        return for_test(run.settings, [self._asked], mode)

    def _session(self, settings: Settings, *, inside: bool) -> Player:
        kind = settings.mode
        if kind == "missing":
            kind = "replay" if self.path.exists() else "record"
        root = _root_above(self.path)
        store = SingleStore(self.path)
        store.threshold = settings.payload_threshold
        session = SESSIONS[kind](
            store,
            "",
            _places(root, settings),
            root=root,
            terms=Terms(frozenset(settings.match_on), settings.order),
        )
        session.phase = "call"
        session.live = LivePatterns(settings.live)
        session.toolchain = toolchain_of(settings.wasi)
        session.files = Files.by_settings(store, session.places, settings)
        session.limits = settings.limits
        if isinstance(session, VerifySession):
            session.volatile = settings.volatile
        session.record_command = self._record_command(inside=inside)
        return session

    def _record_command(self, *, inside: bool) -> str:
        test, _, _ = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")
        if inside and test:
            return shlex.join(["pytest", "--record-tapes", test])
        if self._interactive:
            return f'use_tape({str(self.path)!r}, mode="record")'
        return f"{MODE_VARIABLE}=record {shlex.join(sys.orig_argv)}"


class _BlockTape(ActiveTape):
    """The tape of one block."""

    def __init__(self, run: Keeper, session: Player, *, clock: bool) -> None:
        self._block = intercept.Block(session)  # type: ignore[arg-type]
        self._process = os.getpid()
        super().__init__(run, session, clock=clock)

    def begin(self) -> TapeHandle:
        """Make the session that of this context."""
        undo = self._undo
        undo.callback(self._block.leave)
        self._block.enter()
        pace = Pace(real=self.session.runs_commands)
        undo.callback(CLOCK.done_with, pace)
        CLOCK.paces.append(pace)
        self.freeze(undo)
        undo.callback(self.log_clock_no_more)
        self.log_clock()
        return TapeHandle(self)

    def leave(self, error: BaseException | None) -> None:
        """End the tape; ``error`` is what the block is left with.

        Raises:
            ProctapeError: something went wrong with the tape, whoever swallowed it, or was left over, or
                it could not be written.
        """
        __tracebackhide__ = True
        self._block.leave()
        if os.getpid() != self._process:
            # A forked copy of the process: the tape is that of the one which entered the block.
            self.take_out()
            return
        # A first recording that ends so is kept; it takes the place of none, as Ctrl-C may be behind it.
        left_early = isinstance(error, _endings())
        is_first = left_early and not self.session.path.exists()
        interrupted = error is not None and not isinstance(error, (Exception, *_skipped(), *_endings()))
        self._complete = error is None
        self._failed = error is not None and not isinstance(error, _skipped()) and not is_first
        try:
            self.hear_forked()
            if not isinstance(error, ProctapeError):
                self._raise_latched(0, error)
            if error is None:
                self.refuse_leftover("setup", "call", "teardown")
        except BaseException as instead:
            interrupted = interrupted or not isinstance(instead, Exception)
            raise
        finally:
            self.end(interrupted=interrupted)
            # A tape that no test owns is known by its file.
            result = self._run.results[-1]
            result.test, result.block = self.session.shown_path, True
            result.left_by = type(error).__name__ if left_early else ""
            if self._run is _OUTSIDE:
                _OUTSIDE.take_results()
                for child in result.leaked:
                    told = f"still running when {result.test} ended: {child}"
                    warnings.warn(told, ResourceWarning, stacklevel=3)
                if result.by_workers:
                    told = f"started by workers, for real and not on {result.test}"
                    warnings.warn(told, RuntimeWarning, stacklevel=3)
                if result.strays:
                    told = f"started in C, for real and not on {result.test}: {stray_names(result.strays)}"
                    warnings.warn(told, RuntimeWarning, stacklevel=3)
        if self._run is _OUTSIDE and error is None:
            found = [one for one in result.drift if one["kind"] != "skipped"]
            if found:
                lines = (line for one in found for line in drift_lines(result.test, one))
                raise Drift("\n".join(lines))


_LOGS: dict[Path, LogFile] = {}


def _log_of_environment() -> LogFile | None:
    """The log that all blocks of this process write, if one is asked for.

    Raises:
        UsageError: it can't be written.
    """
    named = os.environ.get(LOG_VARIABLE)
    if not named:
        return None
    path = Path(os.path.abspath(named))
    if path not in _LOGS:
        log = LogFile(path)
        log.begin(f"the environment variable {LOG_VARIABLE}")
        _LOGS[path] = log
    return _LOGS[path]


def _skipped() -> tuple[type[BaseException], ...]:
    """The exceptions by which a test says that it does not run here; pytest's only where it is there."""
    outcomes = sys.modules.get("_pytest.outcomes")
    return (unittest.SkipTest,) if outcomes is None else (unittest.SkipTest, outcomes.Skipped)


def _endings() -> tuple[type[BaseException], ...]:
    """The exceptions by which a generator is closed, or a task is ended, that has a block open."""
    cancelled = (("asyncio.exceptions", "CancelledError"), ("trio", "Cancelled"))
    found = (getattr(sys.modules.get(module), name, None) for module, name in cancelled)
    return (GeneratorExit, *(one for one in found if one is not None))


def _wrapped(use: TapeUse, function: Any) -> Any:  # noqa: ANN401 - any callable, and one like it
    if inspect.isasyncgenfunction(function):

        @wraps(function)
        async def asyncgen(*args: object, **kwargs: object) -> AsyncIterator[object]:
            async with use.again():
                async for one in function(*args, **kwargs):
                    yield one

        return asyncgen
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def coroutine(*args: object, **kwargs: object) -> object:
            async with use.again():
                return await function(*args, **kwargs)

        return coroutine
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def generator(*args: object, **kwargs: object) -> Generator[object, object, object]:
            with use.again():
                result: object = yield from function(*args, **kwargs)
                return result

        return generator

    @wraps(function)
    def plain(*args: object, **kwargs: object) -> object:
        with use.again():
            return function(*args, **kwargs)

    return plain


def _places(root: Path, settings: Settings) -> Places:
    """Those of the tape around the block, which knows a test's ``tmp_path``; and always this root."""
    around = intercept.current()
    if around is not None and hasattr(around, "places"):
        known: Places = around.places.copy()
        known.add("root", str(root))
    else:
        known = Places(machine_values(str(root), working_directory()), rules_of(settings, "the ini file"))
        known.secrets.learn(os.environ)
    return known


def _root_above(path: Path) -> Path:
    """The nearest directory above ``path`` that looks like a project's; otherwise the one it is in.

    It must not depend on who runs the code, pytest or another, as ``<root>`` on the tape stands for it.
    """
    for directory in path.parents:
        if any((directory / name).exists() for name in _ROOTS):
            return directory
    return path.parent
