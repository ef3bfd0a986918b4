"""Ends a worker of xdist's that hangs, so that the run ends and says in which test it was."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Hashable
from typing import Any, Protocol

import pytest

LIMIT_S = 600
"""Seconds without a word, many times what the longest test takes on a busy machine."""


class Node(Hashable, Protocol):
    """xdist's side of a worker."""

    gateway: Any


class HangWatch:
    """On xdist's controller. A test's own limits can't be relied on: their one timer may be another's by now.

    The worker is ended by SIGABRT: faulthandler, which pytest has enabled in it, then shows where each of
    its threads was, whoever holds the GIL; xdist calls the test failed and goes on with a new worker.
    """

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._heard_s: dict[Node, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hang watch", daemon=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Node) -> None:
        self._heard_s[node] = time.monotonic()
        if self._thread.ident is None:
            self._thread.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        node = getattr(report, "node", None)
        if node in self._heard_s:
            self._heard_s[node] = time.monotonic()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Node) -> None:
        self._heard_s.pop(node, None)

    def pytest_unconfigure(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._limit_s / 10):
            now_s = time.monotonic()
            for node, heard_s in list(self._heard_s.items()):
                if now_s - heard_s > self._limit_s:
                    self._heard_s.pop(node, None)
                    pid = node.gateway._io.popen.pid  # nothing public tells it
                    sys.stderr.write(f"\nno word of worker {pid} for {self._limit_s:g} s: ended\n")
                    os.kill(pid, signal.SIGABRT)
