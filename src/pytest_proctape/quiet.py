"""A test that has no tape, and as likely as not starts nothing: most of a large suite where all is taped.

:mod:`.run` makes one on replay. Until somebody asks it something it costs next to nothing; then the session
is made, as it would have been when the test began.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from . import intercept
from .child import KIN
from .clock import REAL
from .cwd import GETCWD, working_directory
from .errors import UnsupportedSpawn
from .handle import TapeHandle
from .intercept import guard
from .item_tape import ItemTape
from .portable import Places
from .session import Phase, Player
from .session.places import users_place
from .settings import Settings
from .summary import strayed

if TYPE_CHECKING:
    from .live import LivePatterns
    from .run import Run

_AWAKENING = threading.RLock()


class QuietTape(intercept.Bound):
    """Stands in for the :class:`.ItemTape` of a test until that is needed, and is its session's handler.

    It is made for each test and entered three times, so it is also what a phase is around that begins
    without a session, and what makes it the handler of the thread.

    Attributes:
        awake: the tape itself, once it is needed.
        owner: of the tape.
    """

    awake: ItemTape | None = None
    clock = None
    mode = "replay"
    _called = _broken = _closed = False
    _ended: Player | None = None
    _phase: Phase = "setup"
    _places: tuple[tuple[str, str], ...] = ()
    _watched: tuple[str, ...] = ()

    def __init__(self, run: Run, item: pytest.Item, owner: str, settings: Settings) -> None:
        """The test begins.

        Args:
            run: that it is part of.
            item: the test.
            owner: of its tape, of which the store is sure that there is none.
            settings: of the test, whose mode is ``"replay"``.
        """
        self._handler = self  # type: ignore[assignment]
        self.owner = owner
        self._run = run
        self._item = item
        self._settings = settings
        # What the session would have looked at.
        try:
            self._cwd = GETCWD()
        except FileNotFoundError:
            self._cwd = working_directory()
        self._thread = threading.get_ident()
        self._began_ns = REAL.time_ns()
        self._opened_ns = REAL.monotonic_ns()
        guard.install()
        intercept.notice()
        self._since = KIN.mark()

    def wake(self) -> ItemTape:
        """Make the session, unless it is made."""
        with _AWAKENING:
            tape = self.awake
            if tape is None:
                tape = self._run.begin(self._item, self._settings, self.owner)
                tape.handler, tape.since = self, self._since
                tape.session.antedate(
                    cwd=self._cwd, thread=self._thread, began_ns=self._began_ns, opened_ns=self._opened_ns
                )
                tape.session.phase = self._phase
                for name, path in self._places:
                    tape.add_place(name, path)
                for path in self._watched:
                    tape.watch(path)
                tape.catch_up(called=self._called, failed=self._broken, began_ns=self._opened_ns)
                self.awake, self._run.asleep = tape, None
        return tape

    # -- as the tape of a test -----------------------------------------------------------------

    @property
    def handle(self) -> TapeHandle:
        """What the test is given of it; a test that only has it has asked for nothing."""
        return TapeHandle(self)

    @property
    def session(self) -> Player:
        """The session of the test, made now unless it is made."""
        with _AWAKENING:
            if self.awake is None and self._closed:
                if self._ended is None:
                    self._ended = self._run.ended(self._item, self._settings, self.owner)
                return self._ended
            return self.wake().session

    def add_place(self, name: str, path: str) -> None:
        """See :meth:`.ActiveTape.add_place`."""
        with _AWAKENING:
            if self.awake is not None:
                self.awake.add_place(name, path)
            else:
                self._places += ((name, path),)

    def watch(self, path: str) -> None:
        """See :meth:`.ActiveTape.watch`."""
        with _AWAKENING:
            if self.awake is not None:
                self.awake.watch(path)
            else:
                self._watched += (path,)

    def note(self, report: pytest.TestReport) -> None:
        """See :meth:`.ItemTape.note`."""
        if self.awake is not None:
            self.awake.note(report)

    def bound(self, phase: Phase) -> AbstractContextManager[None]:
        """See :meth:`.ActiveTape.bound`."""
        if self.awake is not None:
            return self.awake.bound(phase)
        self._phase = phase
        return self

    def call(self, item: pytest.Item) -> AbstractContextManager[None]:
        """See :meth:`.ItemTape.call`."""
        if self.awake is not None:
            return self.awake.call(item)
        self._called, self._phase = True, "call"
        return self

    def teardown(self) -> AbstractContextManager[None]:
        """See :meth:`.ItemTape.teardown`."""
        if self.awake is not None:
            return self.awake.teardown()
        self._phase = "teardown"
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """The phase is over.

        Raises:
            ProctapeError: what has been asked for meanwhile was not on the tape.
        """
        try:
            __tracebackhide__ = True
            for refused in guard.collect():
                self.refused(refused)
            self.leave()
        except BaseException:
            self.leave()
            raise
        if self.awake is not None:
            self._phase_ended(self.awake, error)
        elif self._phase == "teardown":
            self.close()
        elif error is not None or getattr(self._item, "_excinfo", None):
            # A unittest.TestCase does not raise; it leaves there what it would have raised.
            self._broken = True

    def _phase_ended(self, tape: ItemTape, error: BaseException | None) -> None:
        __tracebackhide__ = True
        if self._phase == "teardown":
            with tape.ending():
                self._conclude(tape, error)
                tape.refuse_leftover("setup", "call", "teardown")
        else:
            self._conclude(tape, error)
            if self._phase == "call":
                tape.call_ended(self._item)

    def _conclude(self, tape: ItemTape, error: BaseException | None) -> None:
        __tracebackhide__ = True
        tape.phase_ended(0, error)
        if error is not None:
            raise error

    def close(self) -> None:
        """The test is over, and has asked for nothing."""
        self._closed = True
        strays = KIN.strays(self._since)
        if strays:
            self._run.results.append(strayed(self.owner, strays))
        # Or it would stay until the garbage is collected.
        self._handler = None
        intercept.forget()
        self._run.asleep = None

    # -- as a session: see intercept.Replayer --------------------------------------------------

    @property
    def closed(self) -> bool:
        """The test is over."""
        return self._closed if self.awake is None else self.awake.session.closed

    @property
    def places(self) -> Places:
        """Those of the session."""
        return self.wake().session.places

    @property
    def live(self) -> LivePatterns:
        """Commands that are never taped."""
        return self._run.live_patterns(self._settings)

    def answering(self, argv: Sequence[str]) -> object | None:
        """Who answers this command; ``None`` for one that is never taped."""
        if self.awake is None:
            if self._is_live(argv):
                return None
            if self._closed:
                # It is going to be refused.
                return self
        return self.wake().session.answering(argv)

    def _is_live(self, argv: Sequence[str]) -> bool:
        if self._settings.wasi:
            # A module of the toolchain comes first.
            return False
        return bool(self.live) and self.live.match(argv)

    def which(self, name: str, path: str | None) -> str | None:
        """What :func:`shutil.which` says of a bare name."""
        return self.wake().session.which(name, path)

    def refused(self, error: UnsupportedSpawn) -> None:
        """A spawn that can't be replayed was refused."""
        if self.awake is not None or not self._closed:
            self.wake().session.refused(error)

    def signal_another(self, pid: int, number: int, /, *, group: bool) -> int | None:
        """What comes of a signal to what is no child; see :class:`.intercept.Signaller`."""
        if self.awake is None and self._closed:
            return errno.ESRCH
        return self.wake().session.signal_another(pid, number, group=group)

    def signalled_another(self, pid: int, number: int, /, *, group: bool, error: int) -> None:
        """One was sent for real."""

    def place(self) -> str:
        """Where in the user's code this is asked."""
        return users_place(str(self._run.root))

    def slept(self, seconds: float) -> None:
        """The test has called :func:`time.sleep` under a mock clock."""
        if self.awake is not None:
            self.awake.session.slept(seconds)
