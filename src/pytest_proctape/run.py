"""One run of pytest, and the tape of one test in it. Called by the plugin, which pytest calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import intercept
from .active import SESSIONS, ActiveTape
from .errors import HookError, TapeError
from .hooks import Hooks
from .item_tape import FixtureTape, ItemTape
from .keys import Mode
from .live import LivePatterns
from .match import Terms
from .owners import Owners
from .portable import Places, Rules, machine_values
from .quiet import QuietTape
from .session import (
    Collecting,
    Commons,
    Files,
    Player,
    Recording,
    Session,
    SharedMode,
    TapeLog,
    Tools,
    VerifySession,
    WayIn,
    toolchain_of,
)
from .settings import Settings
from .summary import Result
from .tape import PAYLOAD_THRESHOLD, TapeStore

if TYPE_CHECKING:
    from .logfile import LogFile
    from .renamed import Renamed

_CLOCK = "tape_clock"
"""The fixture asks for a clock that starts where the recording began: only a session knows that."""
_SHARED_MODES: dict[Mode, SharedMode] = {"replay": "replay", "record": "record"}


class Run:
    """What the tapes of one run have in common: where they are, and the places of this machine.

    Attributes:
        collecting: answers what is started while tests are collected, once anything is.
        made_early: what :mod:`tempfile` has made while files were imported or collected, and whether it is a
            file; where every test is taped, with the files of its commands.
        active: the tapes that are in use, in the order in which they were begun.
        results: of tapes that have ended and are not reported yet.
        log: where events go, where somebody wants to know.
        tells_all: also of a test that has asked for nothing.
        asleep: the tape of the test that is running, where that has asked for nothing yet.
        tools: which tools there were when it was recorded.
        expect: is called before the first session is made: there may be something to tell of it.
    """

    def __init__(
        self,
        *,
        root: Path,
        invoked_in: Path,
        tapes: Path,
        rules: Rules | None = None,
        threshold: int = PAYLOAD_THRESHOLD,
    ) -> None:
        self.root = root
        self._invoked_in = invoked_in
        self.store = TapeStore(tapes)
        self.store.threshold = threshold
        self.places = Places(machine_values(str(root), str(invoked_in)), rules)
        self.places.secrets.learn(os.environ)
        self._live_patterns: dict[tuple[str, ...], LivePatterns] = {}
        self._holds = False
        self._offers: Renamed | None = None
        self.commons = Commons(self.store, self.places, root)
        self.collecting: Collecting | None = None
        self.made_early: list[tuple[str, bool]] = []
        self.active: list[ActiveTape] = []
        self.results: list[Result] = []
        self.log: LogFile | None = None
        self.tells_all = False
        self.asleep: QuietTape | None = None
        self.tools = Tools(self.store, self.places)
        self.expect: Callable[[], None] = _nothing
        self._owners = Owners(self.places)

    def add_place(self, name: str, path: str) -> None:
        """``<name>`` stands for ``path`` from now on, also on the tapes that are in use."""
        self.places.add(name, path)
        for tape in self.active:
            tape.add_place(name, path)

    @property
    def item(self) -> ItemTape | QuietTape | None:
        """The tape of the test that is running."""
        return self.asleep or next(
            (tape for tape in reversed(self.active) if isinstance(tape, ItemTape)), None
        )

    def running(self) -> tuple[str, int] | None:
        """The command that is being recorded and has been running longest, and since when."""
        found = [tape.session.running() for tape in self.active if isinstance(tape.session, Recording)]
        return min((one for one in found if one), key=lambda one: one[1], default=None)

    def abandon(self) -> None:
        """The run was interrupted, and nobody will end what is still active."""
        for tape in reversed(self.active):
            tape.end(interrupted=True)
        if self.asleep is not None:
            self.asleep.close()
        self.release()
        self.settle(complete=False)
        self.commons.close()

    def settle(self, *, complete: bool = True) -> None:
        """Store what was recorded for the tapes that all tests share, and count what was replayed from them.

        Args:
            complete: what was running came to its good end.

        Raises:
            TapeWriteError: a tape could not be stored.
        """
        self.tools.save()
        for owner, outcome, spawns in self.commons.settle(complete=complete):
            self.results.append(Result(owner, "record", outcome, spawns, shared=True))
        for owner, spawns, process_ns in self.commons.replayed():
            result = Result(owner, "replay", "", spawns, spawns, process_ns, shared=True)
            self.results.append(result)

    def hold(self) -> None:
        """Leave the stand-ins in place from one taped test to the next: putting them there takes longest."""
        if not self._holds:
            # First: who is interrupted takes away what was not put there, which does no harm.
            self._holds = True
            intercept.install(self)

    def release(self) -> None:
        """What follows is not taped, and is to run as if there were no tapes."""
        if self._holds:
            intercept.uninstall(self)
            self._holds = False

    def start(self, item: pytest.Item, settings: Settings) -> ItemTape | QuietTape:
        """Activate the tape of ``item`` in this thread."""
        owner = self._owners.of(item)
        if self._may_be_quiet(item, settings) and self.store.lacks(owner):
            if self._holds:
                intercept.settle()
            else:
                self.hold()
            self.asleep = QuietTape(self, item, owner, settings)
            return self.asleep
        self.hold()
        return self.begin(item, settings, owner)

    def _may_be_quiet(self, item: pytest.Item, settings: Settings) -> bool:
        """Whether nobody misses a session that nobody asks."""
        if settings.mode != "replay" or settings.clock or settings.effects or self.tells_all or self.log:
            return False
        return _CLOCK not in getattr(item, "fixturenames", ())

    def begin(self, item: pytest.Item, settings: Settings, owner: str) -> ItemTape:
        """The tape of ``item``, with its session.

        Args:
            item: the test.
            settings: of the test.
            owner: of the tape.
        """
        asked_for = settings
        if settings.mode == "missing":
            settings = settings.but(mode="replay" if self._has_tape(owner) else "record")
        session = self._session(owner, settings, item)
        session.offer = lambda path, asked: self._renamed(item).offer(path, asked)
        session.shared = self.way_into_commons(asked_for)
        _prepare(session)
        clock = settings.clock or _CLOCK in getattr(item, "fixturenames", ())
        tape = ItemTape(self, session, clock=clock)
        tape.kills_leaked = settings.kill_leaked
        return tape

    def ended(self, item: pytest.Item, settings: Settings, owner: str) -> Player:
        """The session of a test that is over and has asked for nothing: for who asks what it did."""
        session = self._session(owner, settings, item)
        session.close()
        return session

    def start_fixture(self, owner: str, item: pytest.Item, settings: Settings) -> FixtureTape:
        """Activate the tape of a fixture of wider scope, which ``item`` is the first to use.

        Where some of the run is recorded, the fixture is recorded as well: its result is for all of it.
        """
        asked_for = settings
        if settings.mode in {"missing", "new"}:
            settings = settings.but(mode="record")
        # A parameter's id may hold a secret, and would name the file.
        session = self._session(self.places.redact_text(owner), settings, item)
        session.shared = self.way_into_commons(asked_for)
        tape = FixtureTape(self, session, clock=settings.clock)
        tape.kills_leaked = settings.kill_leaked
        return tape

    def way_into_commons(self, settings: Settings, collecting: str = "") -> WayIn | None:
        """For :attr:`.Session.shared`; see :class:`.Commons`."""
        if settings.mode == "live":
            return None
        mode = _SHARED_MODES.get(settings.mode, "update")
        return self.commons.way_in(mode, imports=settings.auto, collecting=collecting)

    def _renamed(self, item: pytest.Item) -> Renamed:
        if self._offers is None:
            # Most runs miss no tape.
            from .renamed import Renamed

            collected = {one.nodeid for one in item.session.items}
            self._offers = Renamed(self.store, self.root, self._invoked_in, collected)
        return self._offers

    def _has_tape(self, owner: str) -> bool:
        try:
            return self.store.path_for(owner).exists()
        except TapeError:
            # Replaying it tells what is wrong, and where.
            return True

    def _session(self, owner: str, settings: Settings, item: pytest.Item) -> Player:
        # Once is enough: whoever is told of a session is told of them all.
        self.expect()
        self.expect = _nothing
        path, colons, name = item.nodeid.partition("::")
        target = item.nodeid
        if self._invoked_in != self.root:
            target = os.path.relpath(self.root / path, self._invoked_in) + colons + name
        session = SESSIONS[settings.mode](
            self.store,
            owner,
            self.places.copy(),
            root=self.root,
            target=target,
            terms=Terms(frozenset(settings.match_on), settings.order),
            hooks=Hooks(item.ihook, owner),
        )
        around = (tape.session.files for tape in self.active if tape.fixture)
        session.files = Files.by_settings(self.store, session.places, settings, filter(None, around))
        for path, is_file in self.made_early:
            session.files.add_made(path, is_file)
        session.live = self.live_patterns(settings)
        session.toolchain = toolchain_of(settings.wasi)
        session.tools = self.tools
        session.limits = settings.limits
        if self.log is not None:
            session.log = TapeLog(session.places.conceal, self.log.write)
        if isinstance(session, VerifySession):
            session.volatile = settings.volatile
        return session

    def live_patterns(self, settings: Settings) -> LivePatterns:
        """Those of ``settings``, parted into words once."""
        if settings.live not in self._live_patterns:
            self._live_patterns[settings.live] = LivePatterns(settings.live)
        return self._live_patterns[settings.live]

    def collecting_errors(self) -> int:
        """How many errors there have been while tests were collected."""
        return 0 if self.collecting is None else len(self.collecting.errors)

    def add_root(self, path: str) -> None:
        """A temporary directory was made for the tapes that are in use: their commands may write there."""
        for tape in self.active:
            tape.watch(path)
        if self.asleep is not None:
            self.asleep.watch(path)

    def take_results(self) -> list[Result]:
        """The results since the last call."""
        taken, self.results = self.results, []
        return taken

    def take_outside(self) -> list[Result]:
        """What threads from outside of all tests have started since the last call."""
        result = Result("", "live")
        result.outside = intercept.take_outside()
        return [result]


def _nothing() -> None:
    """Nobody has to be told any more."""


def _prepare(session: Session) -> None:
    """Look for the tape now: the test may replace what that takes, ``open`` or ``os.path.exists``, say."""
    # What is wrong with it is told when the first process is started.
    with suppress(TapeError, HookError):
        if isinstance(session, Recording):
            _ = session.path
        elif isinstance(session, Player):
            _ = session.tape
