"""The tape of a test, and that of a fixture that several tests use. :mod:`.run` makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from .active import ActiveTape
from .child import KIN
from .errors import Leftover
from .handle import TapeHandle
from .session import Phase, Player, ReplaySession
from .undo import Undo, to_its_end

if TYPE_CHECKING:
    from .run import Run


class ItemTape(ActiveTape):
    """The tape of one test from its setup to its teardown."""

    def __init__(self, run: Run, session: Player, *, clock: bool = False) -> None:
        self._settle = run.settle
        self._commons = run.commons
        self._called = False
        super().__init__(run, session, clock=clock)

    def _put_in_place(self, clock: bool) -> None:
        super()._put_in_place(clock)
        # From here to the end: what pytest does between the phases is not worth three changes of clock.
        self.freeze(self._undo)

    @cached_property
    def handle(self) -> TapeHandle:
        """What the test is given of it."""
        return TapeHandle(self)

    @property
    def awake(self) -> ItemTape:
        """The tape itself; see :class:`.QuietTape`."""
        return self

    def catch_up(self, *, called: bool, failed: bool, began_ns: int) -> None:
        """The test had begun before its tape was made.

        Args:
            called: the test's own code was run.
            failed: a phase that is over has not come to its good end.
            began_ns: when the test began, by the real monotonic clock.
        """
        self._called = called
        self._complete = not failed
        self._began_ns = began_ns

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
        self.call_ended(item)

    def call_ended(self, item: pytest.Item) -> None:
        """The test's own code has come to its good end.

        Raises:
            ProctapeError: it left entries over.
        """
        __tracebackhide__ = True
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
        with self.ending():
            with self.bound("teardown"):
                yield
            self.refuse_leftover("setup", "call", "teardown")

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Around the last of it.

        Raises:
            ProctapeError: the tape could not be written.
        """
        __tracebackhide__ = True
        interrupted = False
        # With --setup-only and its kin nobody has asked the test what it would start.
        self._complete = self._complete and self._called
        try:
            yield
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
        self._settle = run.settle
        super().__init__(run, session, clock=clock)

    @contextmanager
    def bound(self, phase: Phase) -> Iterator[None]:
        """As ever, on a clock of its own: it must not matter to a test whether it is the first to use it."""
        undo = Undo()
        self.since = KIN.mark()
        self.session.set_apart()
        try:
            self.freeze(undo)
            with super().bound(phase):
                yield
        finally:
            for tape in self._run.active:
                tape.session.set_apart()
            self.look_for_strays()
            to_its_end(undo.close)

    def _look_in_the_end(self) -> None:
        """What was started between its set-up and its tear-down is of the tests."""

    @property
    def watches(self) -> bool:
        """Whether it is in its set-up or tear-down.

        The directories of the tests are not for the fixture's commands. And what it watches the next tests
        watch, too: each would look through those of all that came before.
        """
        return bool(self.phases)

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
