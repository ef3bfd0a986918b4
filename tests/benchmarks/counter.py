"""Counts what a program does, on the profiler's word: no clock, so a busy machine changes nothing.

A plugin of pytest as well: ``-p tests.benchmarks.counter`` counts the inner run that it is given to, and
writes the counts to the file that the environment variable `PROCTAPE_COUNTS` names.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from types import FrameType
from typing import Any, Self

import pytest_proctape
from pytest_proctape.owned import Owned

PACKAGE = os.path.dirname(os.path.abspath(pytest_proctape.__file__)) + os.sep
VARIABLE = "PROCTAPE_COUNTS"

_OPEN = frozenset(["pipe", "pipe2", "dup", "dup2", "open", "pidfd_open", "memfd_create", "epoll", "eventfd"])
_SYSTEM = frozenset(["posix", "select", "fcntl", "resource", "_posixsubprocess", "_signal"])
_IMPORTING = "<frozen importlib."
"""An import lists a directory again that has changed, and keeps what it compiled: up to the machine."""
_NO_CALLS = frozenset(
    ["fspath", "fsencode", "WIFEXITED", "WIFSTOPPED", "WEXITSTATUS", "WIFSIGNALED", "_path_normpath"]
)

_UNSEEN = {one.__code__: one.__name__ for one in (Owned.take, Owned.pairs, Owned.close)}


class Counts:
    """While it runs, counts the calls of the thread that started it.

    Attributes:
        found: how often: ``package calls`` of the package's own functions, ``system calls`` of functions of
            the standard library that ask the system for something, ``descriptors`` and ``threads``.
    """

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self._files: dict[str, bool] = {}

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            # Comprehensions are functions of their own up to 3.11 only.
            if not code.co_name.startswith("<") and self._is_ours(code.co_filename):
                self.found["package calls"] += 1
                self._note_unseen(frame)
        elif event == "c_call" and not frame.f_code.co_filename.startswith(_IMPORTING):
            self._note_call(getattr(argument, "__module__", None), getattr(argument, "__name__", ""))

    def _note_unseen(self, frame: FrameType) -> None:
        """What C calls for us, as ``map`` does, no profiler is told."""
        name, given = _UNSEEN.get(frame.f_code, ""), frame.f_locals
        make: Any = os.close if name == "close" else given.get("make")
        for _ in range(given.get("count", 1) if name else 0):
            self._note_call(make.__module__, make.__name__)

    def _is_ours(self, file: str) -> bool:
        ours = self._files.get(file)
        if ours is None:
            ours = self._files[file] = file.startswith(PACKAGE)
        return ours

    def _note_call(self, module: str | None, name: str) -> None:
        if name == "start_new_thread":
            self.found["threads"] += 1
        elif module in _SYSTEM and name not in _NO_CALLS:
            self.found["system calls"] += 1
        if module in _SYSTEM and name in _OPEN:
            self.found["descriptors"] += 2 if name.startswith("pipe") else 1


_running = Counts()


def pytest_configure() -> None:
    """Begin to count."""
    _running.__enter__()


def pytest_unconfigure() -> None:
    """Write down what was counted, and which modules there are."""
    _running.__exit__()
    with open(os.environ[VARIABLE], "w", encoding="utf-8") as file:
        json.dump({"counts": _running.found, "modules": sorted(sys.modules)}, file)
