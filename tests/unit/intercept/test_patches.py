"""The stand-ins come with the first tape and go with the last, all of them."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pytest_proctape import intercept
from pytest_proctape.intercept import patches


def _names() -> dict[tuple[str, str], object]:
    """Everything that could have been replaced, where it could have been replaced."""
    found: dict[tuple[str, str], object] = {}
    for where in (os, signal, subprocess, subprocess.Popen, threading, _thread, ThreadPoolExecutor):
        found.update(
            {(where.__name__, name): value for name, value in vars(where).items() if name != "_users"}
        )
    poll: Any = subprocess.Popen._internal_poll  # type: ignore[attr-defined]
    found["Popen._internal_poll", "__defaults__"] = poll.__defaults__
    helper: Any = getattr(subprocess, "_del_safe", None)
    found["_del_safe", "waitpid"] = getattr(helper, "waitpid", None)
    return found


def _changed(before: dict[tuple[str, str], object]) -> set[tuple[str, str]]:
    now = _names()
    return {key for key in before.keys() | now.keys() if before.get(key) is not now.get(key)}


def test_everything_is_as_it_was() -> None:
    before = _names()
    intercept.install()
    changed = _changed(before)
    intercept.uninstall()
    assert not _changed(before)
    names = {name for _, name in changed}
    expected = {"_fork_exec", "system", "posix_spawn", "waitpid", "waitid", "kill", "killpg", "getpgid"}
    assert expected <= names
    assert names & {"__defaults__", "_del_safe", "waitpid"}


def test_the_last_user_takes_them_away() -> None:
    before = _names()
    intercept.install()
    intercept.install()
    intercept.uninstall()
    assert _changed(before)
    intercept.uninstall()
    assert not _changed(before)


class _Grumpy:
    """Lets its attribute be set once, and not back."""

    attribute: object = "before"
    times = 0

    def __setattr__(self, name: str, value: object) -> None:
        if self.times:
            raise RuntimeError("not again")
        object.__setattr__(self, "times", 1)
        object.__setattr__(self, name, value)


class _Kind:
    attribute: object = "before"


def _replace_only(monkeypatch: pytest.MonkeyPatch, *wheres: object) -> None:
    pairs = [(where, "attribute", "stand-in") for where in wheres]
    monkeypatch.setattr(patches, "_replacements", lambda: pairs)


def test_an_undo_that_fails_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    first, grumpy, last = _Kind(), _Grumpy(), _Kind()
    _replace_only(monkeypatch, first, grumpy, last)
    intercept.install()
    assert (first.attribute, grumpy.attribute, last.attribute) == ("stand-in",) * 3
    with pytest.raises(RuntimeError, match="not again"):
        intercept.uninstall()
    assert (first.attribute, last.attribute) == ("before", "before")


def test_an_installation_that_fails_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    first = _Kind()
    _replace_only(monkeypatch, first, object())
    with pytest.raises(AttributeError):
        intercept.install()
    assert first.attribute == "before"
    before = _names()
    monkeypatch.undo()
    intercept.install()
    assert _changed(before), "the failed one must not count as a user"
    intercept.uninstall()
    assert not _changed(before)
