"""Which thread sees which tape: those that the test starts see its own, a stranger's never does."""

from __future__ import annotations

import pytest

from tests.options.project import Project

HEAD = r"""
import _thread, asyncio, contextvars, queue, subprocess, sys, threading
from concurrent.futures import Future, ThreadPoolExecutor
import pytest

def say(word):
    return subprocess.run(["echo", word], capture_output=True, text=True).stdout

def tell(word, future):
    try:
        future.set_result(say(word))
    except BaseException as error:
        future.set_exception(error)

"""

OWN = {
    "Thread": """
    future = Future()
    thread = threading.Thread(target=tell, args=("x", future))
    thread.start()
    thread.join()
    assert future.result() == WORD
""",
    "a subclass": """
    class Mine(threading.Thread):
        def run(self):
            self.said = say("x")
    thread = Mine()
    thread.start()
    thread.join()
    assert thread.said == WORD
""",
    "a thread of a thread": """
    future = Future()
    def inner():
        thread = threading.Thread(target=tell, args=("x", future))
        thread.start()
        thread.join()
    thread = threading.Thread(target=inner)
    thread.start()
    thread.join()
    assert future.result() == WORD
""",
    "Timer": """
    future = Future()
    timer = threading.Timer(0, tell, ["x", future])
    timer.start()
    timer.join()
    assert future.result() == WORD
""",
    "_thread": """
    future = Future()
    _thread.start_new_thread(tell, ("x", future))
    assert future.result() == WORD
""",
    "ThreadPoolExecutor": """
    with ThreadPoolExecutor(2) as pool:
        assert pool.submit(say, "x").result() == WORD
""",
    "map of a pool": """
    with ThreadPoolExecutor(1) as pool:
        assert list(pool.map(say, ["x"])) == [WORD]
""",
    "a pool that is older than the test": """
    assert OLD.submit(say, "x").result() == WORD
""",
    "asyncio.to_thread": """
    assert asyncio.run(asyncio.to_thread(say, "x")) == WORD
""",
    "run_in_executor": """
    async def main():
        return await asyncio.get_running_loop().run_in_executor(None, say, "x")
    assert asyncio.run(main()) == WORD
""",
    "multiprocessing.pool.ThreadPool": """
    from multiprocessing.pool import ThreadPool
    with ThreadPool(1) as pool:
        assert pool.apply(say, ("x",)) == WORD
""",
}

OLD_POOL = "OLD = ThreadPoolExecutor(1)\nOLD.submit(int).result()\n"


@pytest.mark.parametrize("how", OWN)
def test_what_the_test_starts_sees_its_tape(project: Project, how: str) -> None:
    project.write(
        HEAD
        + OLD_POOL
        + "WORD = 'x\\n'\n\ndef test_it(tape):"
        + OWN[how]
        + "    assert len(tape.spawns) == 1\n"
    )
    project.record()
    assert project.commands() == ["echo x"]
    entry = {**project.entries()[0], "stdout": "tape"}
    project.write_tape(entry)
    project.edit("WORD = 'x\\n'", "WORD = 'tape'")
    project.replay(passed=1)


STRANGER = (
    HEAD
    + r"""
asked, answered = queue.SimpleQueue(), queue.SimpleQueue()

def serve():
    while (word := asked.get()) is not None:
        answered.put(say(word))

STRANGER = threading.Thread(target=serve, daemon=True)
STRANGER.start()

def ask(word):
    asked.put(word)
    return answered.get()

def test_it(tape):
    assert ask("stranger") == "stranger\n"
    assert say("own") == OWN
    assert ask("stranger") == "stranger\n"
    assert [spawn.args for spawn in tape.spawns] == [["own"]]

def test_at_the_end():
    asked.put(None)
    STRANGER.join()
"""
)


def test_a_thread_from_before_the_test_sees_no_tape(project: Project) -> None:
    project.write(STRANGER.replace("OWN", "'own\\n'"))
    project.record(passed=2)
    assert project.commands() == ["echo own"]
    project.write_tape({"program": "echo", "args": ["own"], "stdout": "tape"})
    project.write(STRANGER.replace("OWN", "'tape'"))
    project.run().assert_outcomes(passed=2)


def test_a_thread_that_outlives_its_test_is_not_the_next_ones(project: Project) -> None:
    project.write(
        HEAD
        + r"""
go, done = threading.Event(), Future()

def late():
    go.wait()
    tell("late", done)

def test_one(tape):
    THREAD.append(threading.Thread(target=late))
    THREAD[0].start()
    assert say("one") == "one\n"

THREAD = []

def test_two(tape):
    go.set()
    THREAD[0].join()
    assert say("two") == "two\n"
    assert [spawn.args for spawn in tape.spawns] == [["two"]]
    if tape.mode == "record":
        assert done.result() == "late\n"
    else:
        assert type(done.exception()).__name__ == "UnsupportedSpawn"
"""
    )
    project.record(passed=2)
    assert project.commands("test_one") == ["echo one"]
    assert project.commands("test_two") == ["echo two"]
    project.replay(passed=2)


def test_one_thread_of_many_at_a_time_keeps_the_order(project: Project) -> None:
    project.write(
        HEAD
        + r"""
def test_it(tape):
    lock = threading.Lock()
    turn = threading.Condition(lock)
    now = [0]

    def work(number):
        with turn:
            turn.wait_for(lambda: now[0] == number)
            assert say(str(number)) == f"{number}\n"
            now[0] += 1
            turn.notify_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
"""
    )
    project.record()
    assert project.commands() == [f"echo {number}" for number in range(8)]
    project.replay(passed=1)


def test_entries_are_numbered_when_spawned_and_not_when_they_end(project: Project) -> None:
    project.write(
        HEAD
        + r"""
def test_it(tape):
    first = subprocess.Popen(["sh", "-c", "read x; echo first"], stdin=-1, stdout=-1)
    second = subprocess.Popen(["sh", "-c", "echo second"], stdout=-1)
    assert second.communicate() == (b"second\n", None)
    assert first.communicate(b"go\n") == (b"first\n", None)
"""
    )
    project.record()
    assert project.commands() == ["sh -c read x; echo first", "sh -c echo second"]
    project.replay(passed=1)
