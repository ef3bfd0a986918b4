"""Blocks: the innermost of a context counts, until another session has come around it."""

from __future__ import annotations

import asyncio
import contextvars
import threading

from pytest_proctape.intercept import Block, bound, current
from pytest_proctape.intercept.door import inherited


class Named:
    """A session that starts nothing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def record(self, *_: object) -> None:
        raise NotImplementedError


def name() -> str | None:
    return getattr(current(), "name", None)


def test_blocks_nest() -> None:
    outer, inner = (Block(Named(name)) for name in ("outer", "inner"))  # type: ignore[arg-type]

    def work() -> None:
        assert name() is None
        outer.enter()
        assert name() == "outer"
        inner.enter()
        assert name() == "inner"
        inner.leave()
        assert name() == "outer"
        outer.leave()
        assert name() is None

    contextvars.Context().run(work)


def test_blocks_of_one_context_are_left_in_any_order() -> None:
    first, second, third = (Block(Named(name)) for name in ("first", "second", "third"))  # type: ignore[arg-type]

    def work() -> None:
        for block in (first, second, third):
            block.enter()
        second.leave()
        assert name() == "third"
        third.leave()
        assert name() == "first"
        first.leave()
        assert name() is None

    contextvars.Context().run(work)


def test_a_worker_that_another_block_has_started_does_its_job_in_the_block_of_the_job() -> None:
    first, second = (Named(name) for name in ("first", "second"))
    job, nobody = contextvars.Context(), contextvars.Context()
    seen: list[str | None] = []

    def worker() -> None:
        with inherited(first):  # type: ignore[arg-type]
            seen.extend(context.run(name) for context in (job, nobody))

    job.run(Block(second).enter)  # type: ignore[arg-type]
    thread = threading.Thread(target=worker)
    thread.start()
    thread.join()
    assert seen == ["second", "first"]


def test_a_block_inside_a_session_and_a_session_inside_a_block() -> None:
    block = Block(Named("block"))  # type: ignore[arg-type]

    def in_thread() -> None:
        with bound(Named("first")):  # type: ignore[arg-type]
            block.enter()
            assert name() == "block"
        # The block was around code of the first session only.
        assert name() is None
        with bound(Named("second")):  # type: ignore[arg-type]
            assert name() == "second"
        block.leave()
        done.append(True)

    done: list[bool] = []
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert done


def test_tasks_have_their_own() -> None:
    async def task(mine: str, ready: asyncio.Barrier) -> None:
        block = Block(Named(mine))  # type: ignore[arg-type]
        block.enter()
        await ready.wait()
        assert name() == mine
        await ready.wait()
        block.leave()
        assert name() is None

    async def main() -> None:
        ready = asyncio.Barrier(2)
        await asyncio.gather(task("a", ready), task("b", ready))
        assert name() is None

    contextvars.Context().run(asyncio.run, main())
