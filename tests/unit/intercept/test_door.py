"""Which session a spawn is taken to."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from pytest_proctape import intercept
from pytest_proctape.errors import UnsupportedSpawn
from pytest_proctape.intercept import door, guard
from tests.parity.at_line import AtLine, interrupt

from .answering import Answers


def test_nobody_is_asked_where_nobody_is_bound() -> None:
    assert intercept.current() is None
    intercept.install()
    try:
        assert subprocess.run(["echo", "real"], capture_output=True, check=True).stdout == b"real\n"
    finally:
        intercept.uninstall()


def test_bound_for_a_while() -> None:
    one, two = Answers(), Answers()
    with intercept.bound(one):
        assert intercept.current() is one
        with intercept.bound(two):
            assert intercept.current() is two
        assert intercept.current() is one
        with intercept.bound(None):
            assert intercept.current() is None
    assert intercept.current() is None


def test_a_thread_inherits(answers: Answers) -> None:
    seen: list[object] = []
    threads = [
        threading.Thread(target=lambda: seen.append(intercept.current())),
        threading.Timer(0, lambda: seen.append(intercept.current())),
    ]
    for thread in threads:
        thread.start()
        thread.join()
    assert seen == [answers, answers]


def test_a_strangers_thread_does_not() -> None:
    jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
    seen: list[object] = []

    def work() -> None:
        while job := jobs.get():
            job()

    stranger = threading.Thread(target=work)
    stranger.start()
    intercept.install()
    with intercept.bound(Answers()):
        jobs.put(lambda: seen.append(intercept.current()))
        jobs.put(None)
        stranger.join()
    intercept.uninstall()
    assert seen == [None]


def test_a_pool_works_for_whoever_handed_the_work_in() -> None:
    one, two = Answers(), Answers()
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(intercept.current).result()
        seen: list[object] = []
        for handler in (one, two):
            intercept.install()
            with intercept.bound(handler):
                seen.append(pool.submit(intercept.current).result())
            intercept.uninstall()
        after = pool.submit(intercept.current).result()
    assert seen == [one, two]
    assert (before, after) == (None, None)


def test_an_older_thread_works_for_the_context_that_it_is_given() -> None:
    """As trio's and anyio's workers do, which outlive a test."""
    jobs: queue.Queue[tuple[contextvars.Context, list[object]] | None] = queue.Queue()

    def work() -> None:
        while job := jobs.get():
            context, seen = job
            seen.append(context.run(intercept.current))

    worker = threading.Thread(target=work)
    worker.start()
    one, two = Answers(), Answers()
    seen: list[object] = []
    for handler in (one, two):
        intercept.install()
        with intercept.bound(handler):
            jobs.put((contextvars.copy_context(), seen))
            while len(seen) < (1 if handler is one else 2):
                pass
        intercept.uninstall()
    jobs.put(None)
    worker.join()
    assert seen == [one, two]


def test_a_loop_that_is_older_than_the_test_knows_the_newest() -> None:
    """The context that a fixture's runner keeps is that of the test in which it was made."""

    async def ask() -> object:
        return intercept.current()

    one, two = Answers(), Answers()
    intercept.install()
    with asyncio.Runner() as runner:
        with intercept.bound(one):
            first = runner.run(ask())
        one.closed = True
        with intercept.bound(two):
            second = runner.run(ask())
        third = runner.run(ask())
    intercept.uninstall()
    assert (first, second, third) == (one, two, None)


def test_a_spawn_after_the_end_of_a_replay_is_refused(answers: Answers) -> None:
    answers.closed = True
    with pytest.raises(UnsupportedSpawn, match="after its test had ended"):
        subprocess.run(["true"], check=False)
    assert [error.road for error in answers.refusals] == ["subprocess"]
    assert answers.spawns == []


def _inherit() -> None:
    with door.inherited(Answers()):
        pass


def _let_through() -> None:
    with door.letting_through():
        assert not door.is_replaying()


def _announce() -> None:
    guard.announce("pytest_proctape.test")


@pytest.mark.parametrize("act", [_inherit, _let_through, _announce])
def test_an_interrupt_leaves_nothing_of_what_holds_for_a_while(act: Callable[[], None]) -> None:
    def state() -> tuple[object, ...]:
        here = door._LOCAL.here
        return here.handler, door._CONTEXT.get(), here.lets_through._is_owned(), guard.is_announcing()

    files = frozenset({"intercept/door.py", "intercept/guard.py"})
    before = state()
    number = 0
    while True:
        number += 1
        at_line = AtLine(number, interrupt, files=files, each=1)
        with suppress(KeyboardInterrupt), at_line.in_place():
            act()
        assert state() == before, at_line.where
        if at_line.lines < number:
            break
    assert number > 1
