"""One run of pytest, and the tape of one test in it. Called by the plugin, which pytest calls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from . import intercept
from .active import SESSIONS, ActiveTape
from .errors import HookError, Leftover, TapeError
from .handle import TapeHandle
from .hooks import Hooks
from .logfile import LogFile
from .match import LivePatterns, Terms
from .portable import Places, Rules, machine_values
from .renamed import Renamed
from .session import (
    Collecting,
    Commons,
    Files,
    Phase,
    Player,
    Recording,
    ReplaySession,
    Session,
    SharedMode,
    TapeLog,
    VerifySession,
    WayIn,
    toolchain_of,
)
from .settings import Mode, Settings
from .summary import Result
from .tape import PAYLOAD_THRESHOLD, TapeStore

_SHARED_MODES: dict[Mode, SharedMode] = {"replay": "replay", "record": "record"}


class Run:
    """What the tapes of one run have in common: where they are, and the places of this machine.

    Attributes:
        collecting: answers what is started while tests are collected, once anything is.
        active: the tapes that are in use, in the order in which they were begun.
        results: of tapes that have ended and are not reported yet.
        log: where events go, where somebody wants to know.
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
        self.active: list[ActiveTape] = []
        self.results: list[Result] = []
        self.log: LogFile | None = None

    def add_place(self, name: str, path: str) -> None:
        """``<name>`` stands for ``path`` from now on, also on the tapes that are in use."""
        self.places.add(name, path)
        for tape in self.active:
            tape.session.places.add(name, path)

    @property
    def item(self) -> ItemTape | None:
        """The tape of the test that is running."""
        return next((tape for tape in reversed(self.active) if isinstance(tape, ItemTape)), None)

    def running(self) -> tuple[str, int] | None:
        """The command that is being recorded and has been running longest, and since when."""
        found = [tape.session.running() for tape in self.active if isinstance(tape.session, Recording)]
        return min((one for one in found if one), key=lambda one: one[1], default=None)

    def abandon(self) -> None:
        """The run was interrupted, and nobody will end what is still active."""
        for tape in reversed(self.active):
            tape.end(interrupted=True)
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
        for owner, outcome, spawns in self.commons.settle(complete=complete):
            self.results.append(Result(owner, "record", outcome, spawns, shared=True))
        for owner, spawns, process_ns in self.commons.replayed():
            result = Result(owner, "replay", "", spawns, spawns, process_ns, shared=True)
            self.results.append(result)

    def hold(self) -> None:
        """Leave the stand-ins in place from one taped test to the next: putting them there takes longest."""
        if not self._holds:
            self._holds = True
            intercept.install()

    def release(self) -> None:
        """What follows is not taped, and is to run as if there were no tapes."""
        if self._holds:
            self._holds = False
            intercept.uninstall()

    def start(self, item: pytest.Item, settings: Settings) -> ItemTape:
        """Activate the tape of ``item`` in this thread."""
        self.hold()
        asked_for = settings
        if settings.mode == "missing":
            settings = replace(settings, mode="replay" if self._has_tape(item.nodeid) else "record")
        session = self._session(item.nodeid, settings, item)
        session.offer = lambda path, asked: self._renamed(item).offer(path, asked)
        session.shared = self.way_into_commons(asked_for)
        _prepare(session)
        clock = settings.clock or "tape_clock" in getattr(item, "fixturenames", ())
        tape = ItemTape(self, session, clock=clock)
        tape.kills_leaked = settings.kill_leaked
        return tape

    def start_fixture(self, owner: str, item: pytest.Item, settings: Settings) -> FixtureTape:
        """Activate the tape of a fixture of wider scope, which ``item`` is the first to use.

        Where some of the run is recorded, the fixture is recorded as well: its result is for all of it.
        """
        asked_for = settings
        if settings.mode in {"missing", "new"}:
            settings = replace(settings, mode="record")
        session = self._session(owner, settings, item)
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
            collected = {one.nodeid for one in item.session.items}
            self._offers = Renamed(self.store, self.root, self._invoked_in, collected)
        return self._offers

    def _has_tape(self, owner: str) -> bool:
        try:
            return self.store.path_for(self.places.redact_text(owner)).exists()
        except TapeError:
            # Replaying it tells what is wrong, and where.
            return True

    def _session(self, owner: str, settings: Settings, item: pytest.Item) -> Player:
        # A parameter's id may hold a secret, and would name the file.
        owner = self.places.redact_text(owner)
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
        session.live = self.live_patterns(settings)
        session.toolchain = toolchain_of(settings.wasi)
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
            if tape.session.files is not None:
                tape.session.files.roots.add(path)

    def take_results(self) -> list[Result]:
        """The results since the last call."""
        taken, self.results = self.results, []
        return taken


def _prepare(session: Session) -> None:
    """Look for the tape now: the test may replace what that takes, ``open`` or ``os.path.exists``, say."""
    # What is wrong with it is told when the first process is started.
    with suppress(TapeError, HookError):
        if isinstance(session, Recording):
            _ = session.path
        elif isinstance(session, Player) and session.store.seems_to_have(session.owner):
            _ = session.tape


class ItemTape(ActiveTape):
    """The tape of one test from its setup to its teardown."""

    def __init__(self, run: Run, session: Player, *, clock: bool = False) -> None:
        super().__init__(run, session, clock=clock)
        # From here to the end: what pytest does between the phases is not worth three changes of clock.
        self._undo.enter_context(self._frozen())
        self._settle = run.settle
        self._commons = run.commons
        self.handle = TapeHandle(session)
        self._called = False

    def explains(self, leftover: Leftover) -> bool:
        """Whether the process remembers what these entries said, from another test."""
        return self._commons.explains(leftover.near)

    def note(self, report: pytest.TestReport) -> None:
        """A phase of the test has ended."""
        self._failed = self._failed or report.failed
        expected = hasattr(report, "wasxfail")
        if report.when == "setup":
            # A test that is skipped has not said what it would ask for.
            self._complete = report.passed
        elif report.when == "call":
            self._complete = report.passed or (expected and not isinstance(self.session, ReplaySession))

    @contextmanager
    def call(self, item: pytest.Item) -> Iterator[None]:
        """Around the test's own code.

        Raises:
            ProctapeError: the test diverged from its tape and nobody told, or left entries over.
        """
        __tracebackhide__ = True
        self._called = True
        with self.bound("call"):
            yield
        # A unittest.TestCase does not raise; it leaves here what it would have raised.
        if not getattr(item, "_excinfo", None):
            self.refuse_leftover("setup", "call")

    @contextmanager
    def teardown(self) -> Iterator[None]:
        """Around the test's teardown; the tape ends with it.

        Raises:
            ProctapeError: the teardown diverged from the tape, or the tape could not be written.
        """
        __tracebackhide__ = True
        interrupted = False
        # With --setup-only and its kin nobody has asked the test what it would start.
        self._complete = self._complete and self._called
        try:
            with self.bound("teardown"):
                yield
            self.refuse_leftover("setup", "call", "teardown")
        except BaseException as error:
            self._failed, self._complete = True, False
            interrupted = not isinstance(error, Exception | pytest.fail.Exception)
            raise
        finally:
            self.end(interrupted=interrupted)
            self._commons.remember(self.session)
            self._settle()


class FixtureTape(ActiveTape):
    """The tape of a fixture that more than one test uses: its setup, and its teardown later on."""

    fixture = True

    def __init__(self, run: Run, session: Player, *, clock: bool = False) -> None:
        super().__init__(run, session, clock=clock)
        self._settle = run.settle

    @contextmanager
    def bound(self, phase: Phase) -> Iterator[None]:
        """As ever, on a clock of its own: it must not matter to a test whether it is the first to use it."""
        with self._frozen(), super().bound(phase):
            yield

    @contextmanager
    def setup(self) -> Iterator[None]:
        """Around the setup.

        Raises:
            ProctapeError: it diverged from the tape, or left entries over.
        """
        __tracebackhide__ = True
        try:
            with self.bound("setup"):
                yield
            self.refuse_leftover("setup")
        except pytest.skip.Exception:
            self._complete = False
            raise
        except BaseException:
            self._failed, self._complete = True, False
            raise

    def finalizers(self) -> tuple[Callable[[], None], Callable[[], None]]:
        """What is to be called before the fixture's own teardown, and after it."""
        stack = ExitStack()

        def before() -> None:
            stack.enter_context(self.bound("teardown"))

        def after() -> None:
            __tracebackhide__ = True
            try:
                stack.close()
                self.refuse_leftover("setup", "teardown")
            except BaseException:
                self._failed = True
                raise
            finally:
                self.end()
                self._settle()

        return before, after
