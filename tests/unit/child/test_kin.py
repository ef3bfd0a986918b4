"""Which real children came through Python, and which did not."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_proctape.child import KIN
from pytest_proctape.child.kin import Kin

_REAL_WAITPID = os.waitpid


def start(*argv: str) -> int:
    return os.posix_spawnp(argv[0], argv, os.environ)


@contextlib.contextmanager
def going_on(kin: Kin | None = None) -> Iterator[int]:
    """A child that does; known to ``kin``, if that is given."""
    pid = start("sleep", "600") if kin is None else kin.start(start, "sleep", "600")
    # The kernel lets the parent go on a moment before the child has its name.
    while Path(f"/proc/{pid}/comm").read_text() != "sleep\n":
        os.sched_yield()
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            _REAL_WAITPID(pid, 0)


@pytest.fixture
def kin() -> Kin:
    return Kin()


def test_nothing_has_come(kin: Kin) -> None:
    assert kin.strays(kin.mark()) == []


def test_one_that_was_started_and_waited_for_by_python_is_known(kin: Kin) -> None:
    since = kin.mark()
    pid = kin.start(start, "true")
    assert kin.waitpid(pid, 0) == (pid, 0)
    assert kin.strays(since) == []
    pid = kin.start(start, "false")
    assert kin.wait4(-1, 0)[:2] == (pid, 256)
    assert kin.strays(since) == []


def test_one_that_has_ended_has_no_name_and_is_told_once(kin: Kin) -> None:
    since = kin.mark()
    _REAL_WAITPID(start("true"), 0)
    assert kin.strays(since) == [""]
    assert kin.strays(since) == []
    assert kin.strays(kin.mark()) == []


def test_one_that_python_waits_for_is_a_stray_all_the_same(kin: Kin) -> None:
    since = kin.mark()
    kin.waitpid(start("true"), 0)
    assert kin.strays(since) == [""]


def test_one_that_goes_on_has_a_name_and_is_told_once(kin: Kin) -> None:
    since = kin.mark()
    with going_on():
        assert kin.strays(since) == ["sleep"]
        assert kin.strays(since) == []
        assert kin.strays(kin.mark()) == []


def test_one_among_those_that_are_known(kin: Kin) -> None:
    since = kin.mark()
    with going_on(kin), going_on():
        _REAL_WAITPID(start("true"), 0)
        kin.waitpid(kin.start(start, "true"), 0)
        assert kin.strays(since) == ["sleep", ""]


def test_what_was_there_before_is_none(kin: Kin) -> None:
    with going_on() as pid:
        since = kin.mark()
        assert kin.strays(since) == []
        os.kill(pid, signal.SIGKILL)
        _REAL_WAITPID(pid, 0)
        assert kin.strays(since) == []


def test_one_that_is_known_may_be_waited_for_behind_our_back(kin: Kin) -> None:
    since = kin.mark()
    _REAL_WAITPID(kin.start(start, "true"), 0)
    assert kin.strays(since) == []
    # That is no excuse for the next one.
    _REAL_WAITPID(start("true"), 0)
    assert kin.strays(since) == [""]


def test_a_stop_is_no_end(kin: Kin) -> None:
    since = kin.mark()
    with going_on(kin) as pid:
        os.kill(pid, signal.SIGSTOP)
        assert os.WIFSTOPPED(kin.waitpid(pid, os.WUNTRACED)[1])
        assert kin.strays(since) == []
        os.kill(pid, signal.SIGKILL)
        kin.waitpid(pid, 0)
    assert kin.strays(since) == []


def test_what_is_started_in_c_for_python_is_none(kin: Kin) -> None:
    since = kin.mark()
    with kin.hiding():
        _REAL_WAITPID(start("true"), 0)
        assert kin.strays(since) == []
    assert kin.strays(since) == []
    assert kin.strays(kin.mark()) == []


def test_a_wait_that_does_not_say_what_was_used_leaves_it_open(kin: Kin) -> None:
    since = kin.mark()
    os.waitid(os.P_PID, kin.start(start, "true"), os.WEXITED)
    kin.add_untold()
    assert kin.strays(since) == []


def test_nobody_is_told_while_a_start_or_a_wait_is_under_way(kin: Kin) -> None:
    since = kin.mark()

    def starting() -> int:
        # Another thread looks, at the worst time: there is a child, and nobody knows its pid.
        pid = start("true")
        assert kin.strays(since) == []
        return pid

    pid = kin.start(starting)
    kin._waits.append(pid)
    _REAL_WAITPID(pid, 0)
    assert kin.strays(since) == []
    kin._ended(pid, 0)
    kin._waits[:] = [-1]
    _REAL_WAITPID(start("true"), 0)
    assert kin.strays(since) == []
    kin._waits.clear()
    assert kin.strays(since) == [""]


def test_a_start_that_fails_leaves_nothing(kin: Kin) -> None:
    since = kin.mark()
    with pytest.raises(FileNotFoundError):
        kin.start(start, "there-is-no-such-program")
    _REAL_WAITPID(start("true"), 0)
    assert kin.strays(since) == [""]


def test_a_forked_copy_knows_nobody() -> None:
    before = set(KIN._known)
    with going_on(KIN) as known:
        pid = os.fork()
        if not pid:
            os._exit(len(KIN._known))
        assert os.waitstatus_to_exitcode(_REAL_WAITPID(pid, 0)[1]) == 0
        assert {known, *before} <= KIN._known
    KIN._known.discard(known)


def test_without_proc_those_that_go_on_are_not_seen(kin: Kin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_proctape.child.kin._TASKS", "/not/there")
    since = kin.mark()
    with going_on():
        _REAL_WAITPID(start("true"), 0)
        assert kin.strays(since) == [""]
