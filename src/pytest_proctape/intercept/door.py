"""Which session answers a spawn of this thread.

A thread sees the session that was active in the thread that started it (see :mod:`.inherit`), or in the
context whose work it does; a thread from outside sees none and gets the real thing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Any, cast

from ..child import Started, Wiring
from ..clock import CLOCK, Pace
from ..errors import UnsupportedSpawn
from ..genuine import _thread, threading
from ..tape import Spawn
from ..workers import FORKED, refusal
from .handlers import Handler, Hearer, Launch, MemoryReplayer, Recorder, Replayer


class _Unset:
    """No test has ever been told of in a context."""


class _Here:
    """What is known of one thread. It is also in contexts that outlive the test which the thread runs.

    Attributes:
        handler: its session.
        runs_tests: tests begin and end in it, so it knows best.
        lets_through: held while a command that is never taped is being started. A lock, as a ``with`` that
            has one is entered and left in C: no interrupt comes between, and leaves it so.
    """

    __slots__ = ("handler", "lets_through", "runs_tests")

    def __init__(self) -> None:
        self.handler: Handler | None = None
        self.runs_tests = False
        self.lets_through: Any = _thread.RLock()


class _Local(threading.local):
    def __init__(self) -> None:
        self.here = _Here()


_LOCAL = _Local()
_CONTEXT: ContextVar[Handler | _Here | type[_Unset] | None] = ContextVar("pytest_proctape", default=_Unset)
"""For threads that outlive the test that started them and work for the next one: trio's, anyio's."""
_BLOCK: ContextVar[Block | None] = ContextVar("pytest_proctape_block", default=None)
"""The innermost block in this context."""
_forked = False


def current() -> Handler | None:
    """The session of this thread, or of the context that it works for."""
    around = _around()
    block = _BLOCK.get()
    if block is not None and block.left:
        block = _block()
    # Where another session has come since, as that of the next test, the block is not around this code.
    return block.handler if block is not None and block.around is around else around


def _around() -> Handler | None:
    here = _LOCAL.here
    if here.runs_tests:
        # A context may be older: that of an event loop that a fixture keeps, say.
        return here.handler
    given = _CONTEXT.get()
    if isinstance(given, _Here):
        return given.handler
    if given is _Unset:
        # A worker that does the job of a task may have been started by another task, in another block.
        block = _BLOCK.get()
        if block is not None and block.left:
            block = _block()
        return here.handler if block is None else block.around
    return given  # type: ignore[return-value]


class Bound(Pace):
    """Makes a handler the session of this thread for a while: one of its tests runs; see :func:`bound`.

    It is entered three times for each test, and a generator would take four times as long.
    """

    _lasting = real = False
    _here: _Here | None = None
    """The thread that it was entered in and not left."""
    _before: Handler | None = None

    def __init__(self, handler: Handler | None, lasting: bool, runs_commands: bool) -> None:
        self._handler = handler
        self._lasting = lasting
        super().__init__(real=runs_commands)

    def __enter__(self) -> None:
        global _forked
        here, handler = _LOCAL.here, self._handler
        if _forked:
            # Who runs tests in a forked process does not do it for the process that was forked.
            _forked = handler is not None and here.runs_tests and here.handler is not None
        here.runs_tests = True
        try:
            self._before = here.handler
            self._here = here
            here.handler = handler
            _CONTEXT.set(here if self._lasting else handler)
            CLOCK.paces.append(self)
        except BaseException:
            # Nobody is going to leave it.
            self.leave()
            raise

    def __exit__(self, _kind: object, _error: BaseException | None, _traceback: object) -> None:
        # As `to_its_end`, which would be called before anything is safe.
        try:
            self.leave()
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """What was before is so again; nothing the second time."""
        here = self._here
        if here is not None:
            if self in CLOCK.paces:
                CLOCK.paces.remove(self)
            here.handler = self._before
            _CONTEXT.set(self._before)
            self._here = None


def bound(handler: Handler | None, *, lasting: bool = False, runs_commands: bool = False) -> Bound:
    """Make ``handler`` the session of this thread for a while: one of its tests runs.

    Args:
        handler: the session.
        runs_commands: it runs them for real, so that real time is what passes.
        lasting: a context that is made meanwhile may serve later tests, as that of the loop that a fixture
            of wider scope starts: work for it is work for whichever test runs then.
    """
    return Bound(handler, lasting, runs_commands)


class inherited:  # noqa: N801 - it is called as the function it could be, but for interrupts
    """Let this thread work for ``handler`` for a while."""

    def __init__(self, handler: Handler | None) -> None:
        self._handler = handler
        self._here: _Here | None = None

    def __enter__(self) -> None:
        here = _LOCAL.here
        self._before, self._here = (here.handler, _CONTEXT.get()), here
        try:
            here.handler = self._handler
            _CONTEXT.set(self._handler)
        except BaseException:
            # Nobody is going to leave it.
            self._leave()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            self._leave()
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        here = self._here
        if here is not None:
            here.handler, context = self._before
            _CONTEXT.set(context)
            self._here = None


class Block:
    """Makes ``handler`` the session of this context from :meth:`enter` to :meth:`leave`.

    Tasks have contexts of their own, so blocks of several tasks may be open in one thread at once. Generators
    have not, and those of one context may be left in any order.

    Attributes:
        handler: the session.
        around: the one that was current around the block.
        left: it was, somewhere.
    """

    __slots__ = ("_before", "_token", "_was_forked", "around", "handler", "left")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.around: Handler | None = None
        self._before: Block | None = None
        self._token: Token[Block | None] | None = None
        self.left = self._was_forked = False

    def enter(self) -> None:
        """The session is current from now on. One of a forked copy of the test is that copy's own."""
        global _forked
        self._before = _block()
        self.around = _around()
        self._token = _BLOCK.set(self)
        self._was_forked, _forked = _forked, False

    def leave(self) -> None:
        """What was current before is so again."""
        global _forked
        self.left = True
        if self._was_forked:
            _forked = True
        innermost = _BLOCK.get()
        while innermost is not None and innermost.left:
            innermost = innermost._before
        _BLOCK.set(innermost)

    def is_over(self) -> bool:
        """Whether it was left, in whatever context or thread, and is not current here any more.

        It is not where it was entered. Whoever has a copy of that context, as a task that was started in the
        block, still belongs to it.
        """
        token = self._token
        if not self.left or token is None:
            return False
        try:
            _BLOCK.reset(token)
        except (ValueError, RuntimeError):
            # A copy of that context; or it is the same, and was there already.
            return False
        return True


def _block() -> Block | None:
    """The innermost block around this code."""
    block = _BLOCK.get()
    while block is not None and block.is_over():
        block = _BLOCK.get()
    return block


def is_replaying() -> bool:
    """Whether a real process must not be started by this thread."""
    handler = current()
    return handler is not None and not is_let_through() and not hasattr(handler, "record")


def is_let_through() -> bool:
    """Whether this thread is starting a command that is never taped."""
    owned: bool = _LOCAL.here.lets_through._is_owned()
    return owned


def is_live(argv: Sequence[Any]) -> bool:
    """Whether this command is one that the session of this thread never tapes."""
    handler = current()
    return handler is not None and handler.answering([os.fsdecode(one) for one in argv]) is None


def letting_through() -> AbstractContextManager[object]:
    """Around a real call of this thread that :mod:`.guard` must not refuse."""
    held: AbstractContextManager[object] = _LOCAL.here.lets_through
    return held


def spawn(request: Spawn, wiring: Wiring, launch: Launch, live: Callable[[], int]) -> Started:
    """Take a spawn to the session of this thread.

    Args:
        request: what is asked for.
        wiring: the child's descriptors as the caller gave them.
        launch: the real call with another wiring; only a recorder gets it.
        live: the real call as it was made, for a thread that has no session.

    Raises:
        UnsupportedSpawn: on replay, in a process that was forked from the test's or after its end.
    """
    handler = current()
    if handler is None:
        return Started(live())
    answering = handler.answering([request.program, *request.args])
    if answering is None:
        with letting_through():
            return Started(live())
    replaying = not hasattr(handler, "record")
    if _forked or handler.closed:
        if replaying:
            raise refuse(request.road, FORKED if _forked else "after its test had ended")
        if _forked and report_start is not None and getattr(handler, "mode", "") != "live":
            report_start(request.road)
        return Started(live())
    if replaying:
        return cast(Replayer, answering).replay(request, wiring)
    return cast(Recorder, answering).record(request, wiring, launch)


_outside: list[None] = []


def count_outside() -> None:
    """A thread without a session starts a child. Where tests run in that thread, it is between them."""
    if not _LOCAL.here.runs_tests and not _forked:
        _outside.append(None)


def take_outside() -> int:
    """How many children threads from outside of all tests have started since this was called last."""
    taken = len(_outside)
    del _outside[:taken]
    return taken


def on_short_road() -> MemoryReplayer | Hearer | None:
    """The session of this thread, if it can answer by the short road, see :mod:`.short`."""
    # As `current`, which every replayed spawn would call: this is asked first.
    here = _LOCAL.here
    around = here.handler if here.runs_tests else _around()
    block = _BLOCK.get()
    handler: Any = block.handler if block is not None and block.around is around else around
    can = handler is not None and not _forked and not handler.closed
    return (
        handler
        if can and (hasattr(handler, "replay_in_memory") or getattr(handler, "hears", False))
        else None
    )


report_from_fork: Callable[[str], None] | None = None
"""Tells the process that this one was forked from of a refusal; :mod:`.reports` sets it."""
report_start: Callable[[str], None] | None = None
"""Tells it, while it is recorded, that something was started for real."""


def refuse(road: str, circumstance: str = "") -> UnsupportedSpawn:
    """The error for a road that is closed on replay; the session is told, so that the test fails.

    Returns:
        the error, to be raised where the call was made.
    """
    error = refusal(road, circumstance)
    if _forked and report_from_fork is not None:
        report_from_fork(road)
    handler = current()
    if handler is not None and hasattr(handler, "refused"):
        handler.refused(error)
    return error


def _after_fork_in_child() -> None:
    global _forked
    _forked = True


os.register_at_fork(after_in_child=_after_fork_in_child)


def is_forked() -> bool:
    """Whether this process was forked from the one that imported the package."""
    return _forked
