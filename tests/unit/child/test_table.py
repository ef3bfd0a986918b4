"""The process table."""

from __future__ import annotations

import os
import select
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_proctape.child import FIRST_PID, ProcessTable, add_ended
from pytest_proctape.child import table as table_module
from pytest_proctape.tape.script import Signal

from .stage import Stage


def test_pids_are_new_and_above_every_real_one() -> None:
    table = ProcessTable()
    pids = [table.new_pid() for _ in range(3)]
    assert pids == sorted(set(pids))
    limit = Path("/proc/sys/kernel/pid_max")
    assert pids[0] >= FIRST_PID > (int(limit.read_text()) if limit.exists() else 99_999)


def test_children_come_and_go() -> None:
    table = ProcessTable()
    one, two = Stage(status=0).child, Stage(status=0).child
    table.add(one)
    table.add(two)
    assert (table.get(one.pid), list(table), table.virtual) == (one, [one, two], [one, two])
    table.remove(one.pid)
    table.remove(one.pid)
    assert (table.get(one.pid), list(table)) == (None, [two])


def test_each_thread_is_offered_its_own_copy() -> None:
    table = ProcessTable()
    both, got = threading.Barrier(2, timeout=60), {}

    def spawn(pid: int) -> None:
        with table.offering(cast(Any, SimpleNamespace(pid=pid))):
            both.wait()
            got[pid] = table.new_pid()
            both.wait()

    threads = [threading.Thread(target=spawn, args=(pid,)) for pid in (7, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {7: 7, 8: 8}
    assert table.new_pid() >= FIRST_PID


def test_groups() -> None:
    table = ProcessTable()
    one, two = Stage().child, Stage().child
    one.group, two.group = 7, 8
    table.add(one)
    table.add(two)
    assert [table.group(7), table.group(8), table.group(9)] == [[one], [two], []]


def test_a_process_descriptor_becomes_readable_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    table = ProcessTable()
    with Stage(Signal(9), status=9) as stage:
        child = stage.child
        monkeypatch.setattr(child, "_on_end", table.tell)
        table.add(child)
        fd = table.open_pidfd(child)
        assert not select.select([fd], [], [], 0)[0]
        assert table.by_pidfd(fd) is child
        child.send(9)
        assert select.select([fd], [], [], 0)[0]
        table.remove(child.pid)
        with pytest.raises(ProcessLookupError):
            table.by_pidfd(fd)
        os.close(fd)
        assert table.by_pidfd(fd) is None


def test_a_process_descriptor_of_a_child_that_has_ended() -> None:
    table = ProcessTable()
    with Stage(status=0) as stage:
        table.add(stage.child)
        fd = table.open_pidfd(stage.child)
        assert select.select([fd], [], [], 0)[0]
        os.close(fd)
        table.remove(stage.child.pid)


def test_a_child_that_has_ended_already() -> None:
    pid = add_ended(5 << 8)
    child = table_module.TABLE.get(pid)
    assert child is not None
    assert child.status == 5 << 8
    table_module.TABLE.remove(pid)
