"""What holds while a random program makes a call."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from freezegun import freeze_time

from .bench import Bench
from .telling import told

REFUSED: set[str] = set()
"""Audit events that are refused."""


class _Sub(subprocess.Popen):  # type: ignore[type-arg]
    """Somebody's own."""

    def wait(self, timeout: Any = None) -> int:
        """As it is."""
        return super().wait(timeout)


@contextlib.contextmanager
def _logged(bench: Bench, owner: Any, name: str) -> Iterator[None]:
    real, depth = getattr(owner, name), [0]

    def logging(*args: Any, **options: Any) -> Any:
        rest = args[1:] if isinstance(owner, type) else args
        if depth[0] == 0 and name != "pipe":
            bench.see(f"{name} is called", [told(rest), sorted(options)])
        depth[0] += 1
        try:
            return real(*args, **options)
        finally:
            depth[0] -= 1

    with mock.patch.object(owner, name, logging):
        yield


def _profiled(stack: contextlib.ExitStack) -> None:
    stack.callback(sys.setprofile, sys.getprofile())
    sys.setprofile(lambda *_: None)


def _elsewhere(stack: contextlib.ExitStack, bench: Bench) -> None:
    stack.callback(os.chdir, Path.cwd())
    os.chdir(bench.folder)


def _without_stdin(stack: contextlib.ExitStack) -> None:
    kept = os.dup(0)
    os.close(0)
    stack.callback(os.close, kept)
    stack.callback(os.dup2, kept, 0)


def _refusing(stack: contextlib.ExitStack) -> None:
    REFUSED.add("subprocess.Popen")
    stack.callback(REFUSED.clear)


def _on_sigchld(stack: contextlib.ExitStack, bench: Bench, *, ignored: bool) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    caught: list[int] = []
    handler: Any = signal.SIG_IGN if ignored else lambda number, _: caught.append(number)
    before = signal.signal(signal.SIGCHLD, handler)
    stack.callback(lambda: bench.see("SIGCHLD", bool(caught)))
    stack.callback(signal.signal, signal.SIGCHLD, before)


_Stack = contextlib.ExitStack
_KINDS: dict[str, Callable[[_Stack, Bench], object]] = {
    "log run": lambda stack, bench: stack.enter_context(_logged(bench, subprocess, "run")),
    "log Popen": lambda stack, _: stack.enter_context(
        mock.patch.object(subprocess, "Popen", subprocess.Popen)
    ),
    "log os.pipe": lambda stack, bench: stack.enter_context(_logged(bench, os, "pipe")),
    "popen subclass": lambda stack, _: stack.enter_context(mock.patch.object(subprocess, "Popen", _Sub)),
    "sigchld": lambda stack, bench: _on_sigchld(stack, bench, ignored=False),
    "sigchld ignored": lambda stack, bench: _on_sigchld(stack, bench, ignored=True),
    "chdir": _elsewhere,
    "PATH": lambda stack, _: stack.enter_context(
        mock.patch.dict(os.environ, {"PATH": "/no/such:/bin:/usr/bin", "A": "env"})
    ),
    "no stdin": lambda stack, _: _without_stdin(stack),
    "encoding patched": lambda stack, _: stack.enter_context(
        mock.patch.object(subprocess, "_text_encoding", return_value="latin-1")
    ),
    "refused by an audit hook": lambda stack, _: _refusing(stack),
    "traced": lambda stack, _: _profiled(stack),
    "umask": lambda stack, _: stack.callback(os.umask, os.umask(0o77)),
    "frozen": lambda stack, _: stack.enter_context(freeze_time("2020-01-01")),
}


@contextlib.contextmanager
def around(bench: Bench, what: str) -> Iterator[None]:
    """Around a step: what its name says. How it is called is up to :mod:`.playing`."""
    with contextlib.ExitStack() as stack:
        if what in _KINDS:
            _KINDS[what](stack, bench)
        elif what.startswith("log "):
            stack.enter_context(_logged(bench, subprocess.Popen, what.removeprefix("log ")))
        yield
