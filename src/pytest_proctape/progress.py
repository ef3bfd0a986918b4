"""Progress while recording: which command is running and for how long, behind pytest's own live line.

The plugin registers a :class:`Progress` where tests are recorded and pytest has the terminal for itself. A
thread below :mod:`threading` looks once a second while a phase of a test runs. It is gone before pytest
writes again, before the process forks, and before a debugger prompts; what it wrote is erased then.
"""

from __future__ import annotations

import _thread
import os
import signal
from collections.abc import Callable, Generator
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from .clock import REAL

INTERVAL_S = 1.0
"""Before the first look, and between two."""

_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"
_LEAST_ROOM = 16

Running = Callable[[], tuple[str, int] | None]
"""The command that has been running longest, and since when, nanoseconds of the real monotonic clock."""


def register(config: pytest.Config, running: Running) -> None:
    """Show progress, where there is a terminal for it."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, TerminalReporter) and reporter.isatty and _is_quiet_between(config):
        config.pluginmanager.register(Progress(reporter, running), "proctape-progress")


def _is_quiet_between(config: pytest.Config) -> bool:
    """Whether nothing writes to the terminal while a test runs."""
    option = config.option
    return (
        os.environ.get("TERM", "dumb") != "dumb"
        and config.get_verbosity() >= 0
        and option.capture != "no"
        and not hasattr(config, "workerinput")
        and not getattr(option, "setupshow", False)
        # Log records of a running test are written live.
        and not config.getini("log_cli")
        and option.log_cli_level is None
    )


class Progress:
    """The live part of the line, for all of a run."""

    def __init__(self, reporter: TerminalReporter, running: Running) -> None:
        self._reporter = reporter
        self._running = running
        # Standard output does not lead there while it is captured.
        self._terminal = os.dup(reporter._tw._file.fileno())
        self._drawn = False
        self._wanted = False
        self._stop: Any = None
        self._done = _thread.allocate_lock()
        os.register_at_fork(before=self._pause, after_in_parent=self._resume, after_in_child=self._forget)

    # -- hooks ---------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        """Tell while it runs."""
        return (yield from self._phase())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Tell while it runs."""
        return (yield from self._phase())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """Tell while it runs."""
        return (yield from self._phase())

    def pytest_enter_pdb(self) -> None:
        """The terminal is the debugger's."""
        self._pause()

    def pytest_leave_pdb(self) -> None:
        """It is pytest's again."""
        self._resume()

    def pytest_unconfigure(self) -> None:
        """Let go of the terminal."""
        self._wanted = False
        self._pause()
        if self._terminal != -1:
            os.close(self._terminal)
            self._terminal = -1

    # -- the thread ----------------------------------------------------------------------------

    def _phase(self) -> Generator[None, object, object]:
        self._wanted = True
        self._resume()
        try:
            return (yield)
        finally:
            self._wanted = False
            self._pause()

    def _resume(self) -> None:
        if self._wanted and self._stop is None and self._terminal != -1:
            self._stop = _thread.allocate_lock()
            self._stop.acquire()
            self._done.acquire()
            _START_THREAD(self._look, (self._stop,))

    def _pause(self) -> None:
        """End the thread, and erase what it wrote."""
        stop, self._stop = self._stop, None
        if stop is None:
            return
        stop.release()
        with self._done:
            pass
        if self._drawn:
            self._drawn = False
            self._write(_ERASE)

    def _forget(self) -> None:
        """This is a forked child, and the thread is the parent's."""
        self._stop, self._wanted = None, False

    def _look(self, stop: Any) -> None:  # noqa: ANN401 - _thread's lock has no name
        # Signals are for the threads of the tests.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            while not stop.acquire(timeout=INTERVAL_S):
                running = self._running()
                if running is not None:
                    self._draw(*running)
        finally:
            self._done.release()

    def _draw(self, command: str, since_ns: int) -> None:
        writer = self._reporter._tw
        room = writer.fullwidth - writer.width_of_current_line - 1
        if room >= _LEAST_ROOM:
            self._drawn = True
            self._write(f"{_SAVE}{_ERASE}{told(command, REAL.monotonic_ns() - since_ns, room)}{_RESTORE}")

    def _write(self, text: str) -> None:
        self._reporter._tw.flush()
        os.write(self._terminal, text.encode("ascii", "backslashreplace"))


_START_THREAD = _thread.start_new_thread
"""As it was when no tape was active: the thread belongs to no test."""


def told(command: str, elapsed_ns: int, room: int) -> str:
    """What is written into ``room`` columns.

    Args:
        command: as it would be typed.
        elapsed_ns: nanoseconds that it has been running.
        room: columns, at least enough for the time.
    """
    seconds = elapsed_ns // 10**9
    clock = f"{seconds} s" if seconds < 60 else f"{seconds // 60}:{seconds % 60:02} min"
    left = room - len(clock) - 2
    if len(command) > left:
        command = command[: left - 3] + "..."
    return f" {command} {clock}"
