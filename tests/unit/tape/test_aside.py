"""What is handed over is done in order, and before anybody forks."""

from __future__ import annotations

import _thread
import hashlib
import os
import threading
from functools import partial

import pytest

from pytest_proctape.tape.aside import Aside


def test_calls_are_made_in_order_by_one_thread_at_a_time() -> None:
    aside = Aside(3)
    done: list[int] = []
    for number in range(200):
        aside.do(partial(done.append, number))
    aside.wait()
    assert done == list(range(200))


def test_who_hands_over_too_much_waits() -> None:
    aside = Aside(2)
    go = threading.Event()
    for _ in range(2):
        aside.do(go.wait)
    third = threading.Thread(target=partial(aside.do, go.wait))
    third.start()
    third.join(0.05)
    assert third.is_alive()
    go.set()
    third.join()
    aside.wait()


def test_nobody_is_there_where_nothing_is_to_be_done() -> None:
    aside = Aside(2)
    aside.wait()
    seen: list[tuple[int, list[int | None]]] = []
    aside.do(lambda: seen.append((_thread.get_ident(), [one.ident for one in threading.enumerate()])))
    aside.wait()
    ((who, known),) = seen
    assert _thread.get_ident() in known
    assert who not in known


def test_what_goes_wrong_is_told_and_the_rest_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    aside = Aside(4)
    done: list[int] = []
    aside.do(lambda: 1 // 0)
    aside.do(partial(done.append, 1))
    aside.wait()
    assert done == [1]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_fork_waits_for_it() -> None:
    aside = Aside(100)
    data, done = bytes(1 << 20), []
    for _ in range(50):
        aside.do(lambda: done.append(hashlib.sha256(data).digest()))
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, bytes([len(done)]))
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 1) == bytes([50])
    os.close(reader)
    os.close(writer)
