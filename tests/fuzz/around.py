"""What holds while a random program makes a call."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from freezegun import freeze_time

from .bench import Bench
from .telling import told


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


@contextlib.contextmanager
def around(bench: Bench, what: str) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        if what.startswith("log os."):
            stack.enter_context(_logged(bench, os, what.partition(".")[2]))
        elif what in ("log run", "log Popen"):
            name = what.partition(" ")[2]
            stack.enter_context(
                mock.patch.object(subprocess, name, getattr(subprocess, name))
                if name == "Popen"
                else _logged(bench, subprocess, name)
            )
        elif what.startswith("log "):
            stack.enter_context(_logged(bench, subprocess.Popen, what.partition(" ")[2]))
        elif what == "popen subclass":
            stack.enter_context(mock.patch.object(subprocess, "Popen", _Sub))
        elif what in ("sigchld", "sigchld ignored") and threading.current_thread() is threading.main_thread():
            caught: list[int] = []
            handler: Any = signal.SIG_IGN if "ignored" in what else lambda number, _: caught.append(number)
            before = signal.signal(signal.SIGCHLD, handler)
            stack.callback(lambda: bench.see("SIGCHLD", bool(caught)))
            stack.callback(signal.signal, signal.SIGCHLD, before)
        elif what == "chdir":
            stack.callback(os.chdir, Path.cwd())
            os.chdir(bench.folder)
        elif what == "PATH":
            stack.enter_context(mock.patch.dict(os.environ, {"PATH": "/no/such:/bin:/usr/bin", "A": "env"}))
        elif what == "no stdin":
            kept = os.dup(0)
            os.close(0)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, 0)
        elif what == "encoding patched":
            stack.enter_context(mock.patch.object(subprocess, "_text_encoding", return_value="latin-1"))
        elif what == "frozen":
            stack.enter_context(freeze_time("2020-01-01"))
        yield
