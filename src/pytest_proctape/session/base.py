"""What every session has: its tape's place, the spawns made so far, the latch of errors."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from ..child import FORKS, RecordingChild, VirtualChild
from ..clock import CLOCK, REAL, Waits
from ..cwd import working_directory
from ..errors import ProctapeError, TapeError, UnsupportedSpawn
from ..genuine import threading
from ..hooks import Hooks
from ..limits import Limits
from ..live import LivePatterns
from ..match import Asked, Terms
from ..portable import Places, conceal_descriptors
from ..tape import Content, Entry, Script, Spawn, SpawnError, Stream, TapeStore
from .children import Roll, TapedChild, TapedSpawn
from .crossing import SCAN_LIMIT
from .environment import Environment
from .inputs import Inputs
from .log import Spawned, TapeLog
from .places import users_place
from .tools import REAL_WHICH, Tools

if TYPE_CHECKING:
    from .files import Files
    from .virtual import VirtualToolchain

Mode = Literal["record", "replay", "update", "live", "verify"]
Phase = Literal["setup", "call", "teardown"]
_E = TypeVar("_E", bound=ProctapeError)
_GLOB = frozenset("*?[")

_NO_LIMITS = Limits()


class Session:
    """One tape in use, by the thread that activated it and by all that this thread starts.

    Attributes:
        owner: node id of the test, or another name for what owns the tape.
        phase: the part of the test that is running.
        errors: what went wrong, in order; a test that swallows an error fails all the same.
        closed: no spawn is answered any more.
        log: remembers what crosses the process boundary, where somebody wants to know.
        limits: how far a recording may go.
        opened_ns: when it was made, by the real monotonic clock.
        live: commands that are never taped.
        toolchain: the modules that run in the place of programs.
        offer: the command that gives a missing tape another test's, be it that the test was renamed.
        shared: who answers the present spawn in this session's place, if anybody does; see :mod:`.commons`.
        remembered: commands, as on the tape, whose answers the process is going to remember.
        began_ns: when the session was made, real nanoseconds since 1970.
        sleeps: what the test slept under a mock clock, in seconds.
        files: what it has to do with the files of commands; ``None`` for nothing.
        tools: which tools there are; ``None`` for those of this machine.
    """

    mode: Mode
    files: Files | None = None
    tools: Tools | None = None

    def __init__(
        self,
        store: TapeStore,
        owner: str,
        places: Places,
        *,
        root: Path,
        target: str = "",
        terms: Terms | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        """Make a session.

        Args:
            store: where the tape is.
            owner: see the attribute.
            places: the values of placeholders.
            root: what paths are shown relative to.
            target: what to select to record the tape again; the owner, unless that is no test.
            terms: on which spawns are held against entries.
            hooks: those of the test.
        """
        self.owner = owner
        self._target = target or owner
        self.store = store
        self.places = places
        self.root = root
        self.phase: Phase = "setup"
        self.errors: list[ProctapeError] = []
        self._spawns: list[TapedSpawn] = []
        self.closed = False
        self.limits = _NO_LIMITS
        self._roll = Roll()
        self.log: TapeLog | None = None
        self.opened_ns = REAL.monotonic_ns()
        self.live = LivePatterns(())
        self.toolchain: VirtualToolchain | None = None
        self.offer: Callable[[Path, Asked], str] = _no_offer
        self.shared: Callable[[Session, tuple[str, ...]], object | None] | None = None
        self.remembered: set[tuple[str, ...]] = set()
        self.hooks = hooks or Hooks()
        self.terms = terms or Terms()
        if self.hooks.has("match"):
            self.terms = self.terms.but(judges=(*self.terms.judges, self.hooks.match))
        self.by_workers = False
        """Forked processes or workers have started commands for real, which no tape has."""
        self.threads = {threading.get_ident()}
        """Those that have made spawns, and the test's own."""
        self.began_ns = REAL.time_ns()
        self.sleeps: list[float] = []
        self._start_cwd = working_directory()
        self._lock = threading.RLock()
        self._begin()

    def _begin(self) -> None:
        """What a kind of session has from the beginning beside that."""

    @property
    def spawns(self) -> list[TapedSpawn]:
        """Those made so far."""
        self._settle()
        return self._spawns

    @property
    def roll(self) -> Roll:
        """The children, as the test can look at them."""
        self._settle()
        return self._roll

    def _settle(self) -> None:
        """What a kind of session has kept as it came is to be put where it can be looked at."""

    def tally(self) -> tuple[int, int, int, int]:
        """How many spawns were made, replayed, run by modules; how long those replayed ran, nanoseconds."""
        replayed = [round(one.duration_s * 1e9) for one in self._spawns if one.replayed]
        virtual = sum(one.virtual for one in self._spawns)
        return len(self._spawns), len(replayed), virtual, sum(replayed)

    def tally_so_far(self) -> int:
        """How many spawns were made."""
        return len(self._spawns)

    def alive(self) -> list[TapedChild]:
        """The children that run, whatever the test knows of them."""
        return self._roll.alive()

    @cached_property
    def path(self) -> Path:
        """Of the tape, be it there or not."""
        return self.store.path_for(self.owner)

    @cached_property
    def inputs(self) -> Inputs:
        """The files that its command lines name."""
        return Inputs(self.places, self.root)

    @cached_property
    def record_command(self) -> str:
        """The command that records this tape anew."""
        return shlex.join(["pytest", "--record-tapes", self._target])

    @property
    def shown_path(self) -> str:
        """The tape's path as the user would name it."""
        return str(self.path).removeprefix(f"{self.root}/")

    def antedate(self, *, cwd: str, thread: int, began_ns: int, opened_ns: int) -> None:
        """The test had begun before its session was made.

        Args:
            cwd: the working directory in which it began.
            thread: which began it.
            began_ns: when, in real nanoseconds since 1970.
            opened_ns: the same by the real monotonic clock.
        """
        self._start_cwd = cwd
        self.threads = {thread}
        self.began_ns, self.opened_ns = began_ns, opened_ns

    def latch(self, error: _E) -> _E:
        """Keep ``error``, so that the test fails of it whoever swallows it."""
        with self._lock:
            if error not in self.errors:
                self.errors.append(error)
        return error

    def answering(self, argv: Sequence[str]) -> object | None:
        """Who answers this command; ``None`` for one that is never taped, and always real."""
        if self.toolchain is not None and self.toolchain.has(argv[0]):
            return self.toolchain.answering(self)
        if self.live.written and self.live.match(argv):
            return None
        return (None if self.shared is None else self.shared(self, tuple(argv))) or self

    def which(self, name: str, path: str | None) -> str | None:
        """What :func:`shutil.which` says of a bare name."""
        if self.tools is None or (self.live and self.live.match([name])):
            return REAL_WHICH(name, path=path)
        try:
            return self.tools.which(name, path, self.mode)
        except TapeError as error:
            raise self.latch(error) from None

    def refused(self, error: UnsupportedSpawn) -> None:
        """A spawn that can't be replayed was refused."""
        self.latch(error)

    def close(self) -> None:
        """The tape is over: no spawn is answered any more."""
        self.closed = True

    def abort(self) -> None:
        """The tape is over before its time, and nothing is kept of it; nothing where it is over already."""
        self.close()

    @property
    def clock_start_ns(self) -> int:
        """Where a clock of the test starts, nanoseconds since 1970: now, in whole seconds as on a tape."""
        return self.began_ns // 10**9 * 10**9

    def set_apart(self) -> None:
        """What has been written up to now may be there for other tests as well: see :attr:`.Inputs.since`."""

    def slept(self, seconds: float) -> None:
        """The test has called :func:`time.sleep` under a mock clock."""
        self.sleeps.append(seconds)

    @property
    def runs_commands(self) -> bool:
        """Real processes run, so real time has to pass."""
        return self.mode != "replay"

    @property
    def waits(self) -> Waits | None:
        """Those that the test's mock clock is moved by, where it has one."""
        return CLOCK.waits if CLOCK.on else None

    def asked(self, spawn: Spawn) -> Asked:
        """``spawn`` in the terms of the tape."""
        self.places.environment = os.environ if spawn.env is None else spawn.env
        return self.describing(spawn)()

    def describing(self, spawn: Spawn) -> Callable[[], Asked]:
        """What gives ``spawn`` in the terms of the tape, now and when more is known of them."""
        self.threads.add(threading.get_ident())
        return partial(self._concealed, spawn, self._cwd_of(spawn), self._kept_variables(spawn))

    def _cwd_of(self, spawn: Spawn) -> str | None:
        cwd = working_directory()
        if spawn.cwd is not None:
            cwd = os.path.normpath(os.path.join(cwd, spawn.cwd))
        return None if cwd == self._start_cwd else cwd

    def _concealed(self, spawn: Spawn, cwd: str | None, kept: Mapping[str, str | None]) -> Asked:
        text = self.places.conceal_text
        variable = self.places.conceal_variable
        program, *args = self.places.conceal_words((spawn.program, *spawn.args))
        if spawn.passed:
            args = [conceal_descriptors(one, spawn.passed) for one in args]
        return Asked(
            program,
            tuple(args),
            None if spawn.argv0 is None else text(spawn.argv0),
            None if cwd is None else text(cwd),
            Environment(spawn.env, variable),
            {name: None if value is None else variable(name, value) for name, value in kept.items()},
            self.places.alike,
            partial(self.inputs.now, spawn),
        )

    def signal_another(self, _pid: int, _number: int, *, group: bool) -> int | None:  # noqa: ARG002 - by name
        """What comes of a signal to what is no child; see :class:`~pytest_proctape.intercept.Signaller`."""
        return None

    def signalled_another(self, pid: int, number: int, *, group: bool, error: int) -> None:
        """One was sent for real."""

    def _kept_variables(self, spawn: Spawn) -> dict[str, str | None]:
        """The variables on the user's list; ``None`` for one that is named there and is unset."""
        rules = self.places.rules
        if not rules.env:
            return {}
        given = os.environ if spawn.env is None else spawn.env
        kept: dict[str, str | None] = {name: None for name in rules.env if _GLOB.isdisjoint(name)}
        kept.update((name, value) for name, value in given.items() if rules.keeps_variable(name))
        return dict(sorted(kept.items()))

    def place(self) -> str:
        """Where the spawn that is being answered was made."""
        return FORKS.place or users_place(str(self.root))

    def note_spawn(
        self, spawn: Spawn, script: Callable[[], Script], *, replayed: bool, virtual: bool = False
    ) -> None:
        """Keep what :attr:`spawns` tells."""
        made = TapedSpawn(spawn.program, list(spawn.args), spawn.cwd, spawn.env, replayed, script, virtual)
        with self._lock:
            self.spawns.append(made)

    def enroll(
        self,
        spawn: Spawn,
        child: RecordingChild | VirtualChild | SpawnError,
        entry: Entry | None = None,
        index: int | None = None,
        place: str = "",
    ) -> None:
        """A child was started, or could not be: :attr:`roll` tells of it from now on.

        Args:
            spawn: the parent's request.
            child: what came of it.
            entry: that it plays.
            index: of the entry on the tape.
            place: of the spawn, where the caller has looked already.
        """
        start_ns = REAL.monotonic_ns() - self.opened_ns
        made = TapedChild([spawn.program, *spawn.args], place or self.place(), start_ns, child, entry)
        with self._lock:
            self.roll.add(made)
            if self.log is not None:
                at_ns = None if entry is not None or self.mode == "replay" else REAL.monotonic_ns()
                order = index if self.terms.order == "any" else None
                self.log.look(CLOCK.shown())
                self.log.add(Spawned(self.asked(spawn), made.place, self.phase, child, at_ns, made, order))

    def decode(self, stream: Stream) -> Content:
        """A stream of the tape as the bytes of this machine."""
        content = self.store.decode(stream)
        if content.size > SCAN_LIMIT:
            return content
        data = content.bytes()
        revealed = self.places.reveal(data)
        return content if revealed is data else Content.of(revealed)


def _no_offer(_path: Path, _asked: Asked) -> str:
    return ""


def group_of(spawn: Spawn, pid: int) -> int:
    """The process group that the child gets: setsid(2), setpgid(2)."""
    if spawn.new_session or spawn.process_group == 0:
        return pid
    return spawn.process_group if spawn.process_group > 0 else os.getpgrp()
