"""Runs one body bare, recording and replaying by both roads, and holds the observations against each other.

A body is a function of one fresh directory that returns what it saw. The directory has the same name
in all runs, so that paths in an observation don't differ.
"""

from __future__ import annotations

import _posixsubprocess
import contextlib
import difflib
import faulthandler
import gc
import json
import os
import pprint
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, TypeVar, cast

import pytest

from pytest_proctape import effects, intercept
from pytest_proctape.child import GUARDIAN, TABLE, Said, Started, VirtualChild, Wiring
from pytest_proctape.effects import Roots
from pytest_proctape.intercept import Launch, popen, short
from pytest_proctape.match import Terms
from pytest_proctape.portable import Places, Rules
from pytest_proctape.session import FileRules, Files, RecordSession, ReplaySession, Tools
from pytest_proctape.tape import Spawn, TapeStore
from tests.leftovers import end_children, real_children

from .audit import audited
from .observe import plain

T = TypeVar("T")
Body = Callable[[Path], T]

HANG_S = 60.0
"""Seconds after which a run hangs. Generous: what is told is "for ever", not "slow"."""

SETTLE_S = 20.0
"""Seconds for what a run started to go away, on a machine with much else to do."""

_OWNER = "tests/parity/body.py::test_body"


# -- hangs -------------------------------------------------------------------------------------


class Hang(BaseException):
    """A run did not come to its end. No ``Exception``, so that no body takes it for one of its own."""


@contextlib.contextmanager
def deadline(what: str, limit_s: float) -> Iterator[None]:
    """Raise :class:`Hang` in the main thread after ``limit_s``; if that can't be, end the whole run."""

    def hang(number: int, frame: FrameType | None) -> None:
        faulthandler.dump_traceback()
        raise Hang(f"{what} did not end within {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, hang)
    # Once more, should the first be raised where nobody hears it, as in a finalizer.
    signal.setitimer(signal.ITIMER_REAL, limit_s, max(limit_s, 5))
    faulthandler.dump_traceback_later(2 * limit_s + 10, exit=True)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


# -- real processes ----------------------------------------------------------------------------


@dataclass
class RealProcesses:
    """Counts every way in which CPython starts a process, below all that the package replaces."""

    seen: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """While it lasts, every real start is in :attr:`seen`."""
        real = _posixsubprocess.fork_exec

        def fork_exec(*args: Any) -> int:
            self.seen.append(f"fork_exec {args[0]!r}")
            return int(real(*args))

        with pytest.MonkeyPatch.context() as patch, audited(self._hear):
            patch.setattr(_posixsubprocess, "fork_exec", fork_exec)
            for module, name in _copies_of(real):
                patch.setattr(module, name, fork_exec)
            yield

    def _hear(self, event: str, _: tuple[object, ...]) -> None:
        if event in _FORKS and not intercept.guard.is_announcing():
            self.seen.append(event)


def _copies_of(real: object) -> list[tuple[ModuleType, str]]:
    """Where the package keeps the real function."""
    found = [
        (module, name)
        for title, module in list(sys.modules.items())
        if title.startswith("pytest_proctape.")
        for name, value in list(vars(module).items())
        if value is real
    ]
    assert found, "the package keeps the real fork_exec where it is not looked for"
    return found


_FORKS = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec"})


# -- leaks -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holdings:
    """What a process holds: descriptors by what they are, threads, children."""

    descriptors: dict[int, str]
    threads: int
    children: frozenset[int]

    @classmethod
    def now(cls) -> Holdings:
        """Of this process, at this moment, without what only waits to be collected."""
        with warnings.catch_warnings():
            # A body that leaves a child behind does so on purpose.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
            subprocess._cleanup()  # type: ignore[attr-defined]
        return cls(_descriptors(), _threads(), frozenset(real_children()))


def _descriptors() -> dict[int, str]:
    found = {}
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # the descriptor of the listing itself is gone by now
            status = os.fstat(int(name))
            try:
                found[int(name)] = os.readlink(f"/dev/fd/{name}")
            except OSError:  # macOS has no links there
                found[int(name)] = f"{status.st_dev}:{status.st_ino}"
    return found


def _threads() -> int:
    """Native ones where the system tells, so that a thread below :mod:`threading` counts.

    The workers of trio's cache wait ten seconds for work, in whichever test it comes; they don't count.
    """
    idle = sum(thread.name.startswith("Trio thread") for thread in threading.enumerate())
    try:
        return len(os.listdir("/proc/self/task")) - idle
    except FileNotFoundError:
        return threading.active_count() - idle


_NEVER = threading.Event()
_leaked: set[int] = set()
"""Descriptors that have been complained about: nobody else is to blame when they go away after all."""


def settled(before: Holdings, limit_s: float = SETTLE_S) -> list[str]:
    """What is held now and was not before, once threads and children have had time to go away."""
    end_s = time.monotonic() + limit_s
    while True:
        now = Holdings.now()
        leaks = [
            f"descriptor {fd}: {what}" for fd, what in now.descriptors.items() - before.descriptors.items()
        ]
        leaks += [
            f"closed descriptor {fd}" for fd in before.descriptors.keys() - now.descriptors.keys() - _leaked
        ]
        if now.threads > before.threads:
            leaks.append(f"{now.threads - before.threads} threads")
        leaks += [f"child {pid}: {_command(pid)}" for pid in now.children - before.children]
        if not leaks or time.monotonic() > end_s:
            _leaked.update(now.descriptors.keys() - before.descriptors.keys())
            return leaks
        # Not by `time.sleep`, which a replay that is to wait for nothing is watched for.
        _NEVER.wait(0.001)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() or "a zombie"
    except OSError:
        return "?"


class _Hearing(RecordSession):
    """Knows how often a recording took the short road."""

    short_roads = 0

    def hear(self, spawn: Spawn, wiring: Wiring, launch: Launch, caller: FrameType) -> Started:
        self.short_roads += 1
        return super().hear(spawn, wiring, launch, caller)

    def record(self, spawn: Spawn, wiring: Wiring, launch: Launch) -> Started:
        self.short_roads += wiring.ends is not None
        return super().record(spawn, wiring, launch)


class _Counting(ReplaySession):
    """Knows how often the short road was taken, and one of those that :mod:`.popen` and a loop have."""

    short_roads = 0
    at_once = 0

    def replay_in_memory(self, *asked: Any) -> Said | None:
        said = super().replay_in_memory(*asked)
        self.short_roads += said is not None
        return said

    def replay_at_once(self, *asked: Any) -> int | None:
        pid = super().replay_at_once(*asked)
        self.at_once += pid is not None
        return pid

    def replay_in_loop(self, *asked: Any) -> VirtualChild | None:
        child = super().replay_in_loop(*asked)
        self.at_once += child is not None
        return child


# -- the three runs ----------------------------------------------------------------------------


class Parity:
    """The ``parity`` fixture: call it with a body; it gives what the body saw, the same in all runs.

    Attributes:
        rules: of placeholders, secrets and variables, as a user would have them.
        tape: the text of the tape, once recorded.
        replay_s: how long the replay took, seconds.
        files: what of the files that commands make in the body's directory is recorded, if anything, and in
            what the body makes by :mod:`tempfile`.
        tempdir: the directory for temporary files, where the tape is to know it.
        short_roads: how many spawns were replayed by the short road.
        at_once: how many others were by a child that had ended when it was made, or by one of a loop.
        heard: how many were recorded by it.
        compares_tapes: both roads of a recording give the same tape: nothing on it is up to chance, such as
            whether somebody has ended already, or which of two outputs is read first.
        forks: the body forks copies of this process, which is no real start of anything.
        tools: which tools the session knows of.
        settle_s: how long threads and children of a run have for going away, seconds.
        afterwards: is called with the body's directory when the tape of a run is over, so that what is to
            outlive it goes then.
    """

    def __init__(self, base: Path) -> None:
        # There is one for the whole process, and it would be taken for a leak of the first recording.
        GUARDIAN.engage()
        self._folder = base / "body"
        self._store = base / "tapes"
        self.rules = Rules()
        self.tape = ""
        self.replay_s = 0.0
        self.files: FileRules | None = None
        self.short_roads = self.heard = 0
        self.at_once = 0
        self.tempdir: Path | None = None
        self.forks = self.compares_tapes = False
        self.settle_s = SETTLE_S
        self.afterwards: Callable[[Path], object] = lambda folder: None
        self._terms: Terms | None = None
        self.tools: Tools

    def __call__(
        self, body: Body[T], *, replays: int = 1, hang_s: float = HANG_S, terms: Terms | None = None
    ) -> T:
        """Run ``body`` three times and compare. A soak asks for more replays than one.

        Where the short road was taken, there is one more recording or replay, by the general road; where a
        ``Popen`` was spared something, one more that spares it nothing.

        Raises:
            pytest.fail.Exception: an observation differs, the tape was not met exactly, a process was
                started on replay, something leaked.
            Hang: a run did not end within ``hang_s`` seconds.
        """
        __tracebackhide__ = True
        self._terms = terms
        # It lives as long as this process, and is nobody's leak.
        GUARDIAN.engage()
        seen = self._run("the bare run", body, contextlib.nullcontext(), hang_s)
        self.heard = self._record("the recording", body, seen, hang_s)
        if self.heard:
            tape = self.tape
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(short, "OPEN", False)
                patch.setattr(self, "_store", self._folder.with_name("general"))
                self._record("the recording by the general road", body, seen, hang_s)
            if self.compares_tapes:
                _compare_tapes(self.tape, tape, unordered=terms is not None and terms.order == "any")
            self.tape = tape
        for _ in range(replays):
            began = time.monotonic()
            replayed = self._run("the replay", body, self._replaying(), hang_s)
            self.replay_s = time.monotonic() - began
            _compare("the replay", seen, replayed)
        if self.short_roads:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(short, "OPEN", False)
                replayed = self._run("the replay by the general road", body, self._replaying(), hang_s)
            _compare("the replay by the general road", seen, replayed)
        if self.at_once:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(short, "OPEN", False)
                patch.setattr(popen, "OPEN", False)
                replayed = self._run("the replay by CPython's own road", body, self._replaying(), hang_s)
            _compare("the replay by CPython's own road", seen, replayed)
        return seen

    def _record(self, what: str, body: Body[T], seen: T, hang_s: float) -> int:
        """Record; how many spawns went the short road."""
        __tracebackhide__ = True
        sessions: list[_Hearing] = []
        recorded = self._run(what, body, self._recording(sessions), hang_s)
        _compare(what, seen, recorded)
        return sessions[0].short_roads

    def _run(
        self, what: str, body: Body[T], session: contextlib.AbstractContextManager[None], hang_s: float
    ) -> T:
        __tracebackhide__ = True
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        with deadline(what, hang_s):
            # The limit itself has a thread.
            before = Holdings.now()
            try:
                with session:
                    result = body(self._folder)
                self.afterwards(self._folder)
            except Hang:
                # What hung leaves nothing to the next test.
                end_children(set(before.children))
                for child in TABLE:
                    TABLE.remove(child.pid)
                raise
            leaks = settled(before, self.settle_s)
        if leaks:
            pytest.fail(f"{what} left behind:\n  " + "\n  ".join(leaks))
        return result

    def _session(self, kind: type[T]) -> T:
        values = {"tmp": str(self._folder), "python": sys.executable}
        if self.tempdir is not None:
            values["tempdir"] = str(self.tempdir)
        places = Places(values, self.rules)
        made: Any = kind
        store = TapeStore(self._store)
        session = made(store, _OWNER, places, root=self._store.parent, terms=self._terms)
        session.tools = self.tools = Tools(store, places)
        if self.files is not None:
            roots = Roots()
            roots.add(str(self._folder))
            session.files = Files(store, places, roots, self.files)
        return cast("T", session)

    @contextlib.contextmanager
    def _recording(self, sessions: list[Any]) -> Iterator[None]:
        session = self._session(_Hearing)
        sessions.append(session)
        session.phase = "call"
        try:
            with self._active(session):
                yield
        finally:
            untaped = intercept.guard.collect()
        session.save(session.finish(), complete=True)
        self.tools.save()
        self.tape = session.path.read_text() if session.path.exists() else ""
        _no_errors([*session.errors, *untaped])

    @contextlib.contextmanager
    def _replaying(self) -> Iterator[None]:
        session = self._session(_Counting)
        session.phase = "call"
        processes = RealProcesses()
        try:
            with processes.counted(), self._active(session):
                intercept.guard.install()
                yield
        except Exception:
            _no_errors(session.errors)
            raise
        finally:
            refused = intercept.guard.collect()
            session.close()
            if popen.OPEN:
                self.short_roads += session.short_roads
                self.at_once += session.at_once
        _no_errors([*session.errors, *refused])
        left = session.leftover("call")
        _no_errors([left] if left else [])
        seen = [one for one in processes.seen if not (self.forks and one in ("os.fork", "os.forkpty"))]
        if seen:
            pytest.fail("the replay started real processes:\n  " + "\n  ".join(seen))

    @contextlib.contextmanager
    def _active(self, session: RecordSession | ReplaySession) -> Iterator[None]:
        """Around the body, while a tape is active."""
        intercept.install()
        files = session.files
        try:
            if files is not None:
                effects.follow(files.add_made)
            with intercept.bound(session):
                yield
        finally:
            if files is not None:
                effects.follow_no_more(files.add_made)
            intercept.uninstall()


def _no_errors(errors: list[Any]) -> None:
    __tracebackhide__ = True
    if errors:
        pytest.fail("\n\n".join(f"{type(error).__name__}: {error}" for error in errors))


_OF_ONE_RUN = frozenset({"recorded", "duration_ms", "at_ms", "began", "names", "effects", "pid"})
"""Times, pids, files with times in them, and names that the body made up: the entries have placeholders."""


def _compare_tapes(general: str, short_road: str, *, unordered: bool) -> None:
    """The two roads record the same, up to what is of one run; nothing where nothing was started."""
    __tracebackhide__ = True
    if not general and not short_road:
        return
    tapes = [_lasting(json.loads(text)) for text in (general, short_road)]
    if unordered:
        for tape in tapes:
            tape["entries"].sort(key=repr)
    _compare("the tape of the short road", *tapes)


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in value.items() if name not in _OF_ONE_RUN}
    return [_lasting(one) for one in value] if isinstance(value, list) else value


def _compare(what: str, bare: object, other: object) -> None:
    __tracebackhide__ = True
    left, right = plain(bare), plain(other)
    if left != right:
        before, after = (pprint.pformat(side, width=100).splitlines() for side in (left, right))
        diff = difflib.unified_diff(before, after, "the bare run", what, lineterm="", n=3)
        pytest.fail(f"{what} is not what the bare run was:\n" + "\n".join(diff))
