"""Programs of several threads: everything by which one waits for another lets time pass."""

from __future__ import annotations

import concurrent.futures
import queue
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE

from tests.parity.clock.harness import Clocked, Log
from tests.parity.gates import Gate
from tests.parity.observe import outcome


def _sleep(seconds: float) -> int:
    return subprocess.run(["sleep", str(seconds)]).returncode


def test_heartbeat(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        over, gate = threading.Event(), Gate(log.folder)

        def beat() -> None:
            while not over.wait(0.2):
                log("beat")
                gate.open()

        heart = threading.Thread(target=beat)
        heart.start()
        log(subprocess.call(gate.command(then="sleep 0.3")))
        over.set()
        heart.join()
        log("over")

    told = [what for what, _ in clocked(program)]
    assert told[0] == ["beat"]
    assert [what for what in told if what != ["beat"]] == [[0], ["over"]]


def test_timers(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        timers = [threading.Timer(s, lambda s=s: log("timer", s)) for s in (0.6, 0.1, 0.2, 100)]
        for one in timers:
            one.start()
        log(_sleep(0.4))
        timers[3].cancel()
        for one in timers:
            one.join()

    told = [what for what, _ in clocked(program)]
    # Before which of them the command ends is for the machine of the recording to say.
    assert [0] in told
    assert [what for what in told if what != [0]] == [["timer", 0.1], ["timer", 0.2], ["timer", 0.6]]


def test_event_and_condition(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        event, condition = threading.Event(), threading.Condition()

        def work() -> None:
            _sleep(0.15)
            log("worked")
            event.set()
            _sleep(0.1)
            with condition:
                condition.notify()

        worker = threading.Thread(target=work)
        with condition:
            worker.start()
            log(event.wait(0.1))
            log(event.wait(0.1))
            log(condition.wait(0.05))
            log(condition.wait_for(lambda: False, 0.02))
            log(condition.wait(5))
        worker.join()

    told = [what for what, _ in clocked(program)]
    # Which of the waits get what they wait for is for the machine of the recording to say.
    assert ["worked"] in told
    assert len(told) == 6


def test_semaphore(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        places = threading.Semaphore(2)
        lock = threading.Lock()

        def work(number: int) -> None:
            time.sleep(number / 100)
            with places:
                _sleep(0.3 + number / 8)
                with lock:
                    log("worked", number)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for one in workers:
            one.start()
        time.sleep(0.05)
        log(places.acquire(timeout=0.02))
        for one in workers:
            one.join()

    clocked(program)


def test_barrier(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        barrier = threading.Barrier(3)

        def work(number: int) -> None:
            time.sleep(0.01 * number)
            _sleep(0.05 * number)
            log("there", number)
            barrier.wait(60)

        workers = [threading.Thread(target=work, args=(number,)) for number in (1, 2)]
        for one in workers:
            one.start()
        barrier.wait()
        log("all")
        for one in workers:
            one.join()
        log(type(outcome(barrier.wait, 0.1)).__name__)

    told = [what for what, _ in clocked(program)]
    # Which of them is first is for the machine of the recording to say.
    assert sorted(told[:2], key=str) == [["there", 1], ["there", 2]]
    assert told[2:] == [["all"], ["BrokenBarrierError"]]


def test_queue(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        lines: queue.Queue[bytes | None] = queue.Queue()
        gate = Gate(log.folder)
        command = gate.command(then="for i in 1 2 3; do sleep 0.4; echo $i; done")

        def read() -> None:
            with subprocess.Popen(command, stdout=PIPE) as child:
                assert child.stdout is not None
                for line in child.stdout:
                    lines.put(line)
            lines.put(None)

        reader = threading.Thread(target=read)
        reader.start()
        while True:
            try:
                line = lines.get(timeout=0.2)
            except queue.Empty:
                log("nothing")
                gate.open()
                continue
            log(line)
            if line is None:
                break
        reader.join()

    told = [what for what, _ in clocked(program)]
    assert told[0] == ["nothing"]
    assert [what for what in told if what != ["nothing"]] == [[b"1\n"], [b"2\n"], [b"3\n"], [None]]


def test_simple_queue(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        done: queue.SimpleQueue[int] = queue.SimpleQueue()
        worker = threading.Thread(target=lambda: done.put(_sleep(0.15)))
        worker.start()
        log(done.get())
        worker.join()

    assert clocked(program)[0][0] == [0]


def test_bounded_queue(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        jobs: queue.Queue[float | None] = queue.Queue(maxsize=1)

        def work() -> None:
            while (seconds := jobs.get()) is not None:
                _sleep(seconds)
                jobs.task_done()

        worker = threading.Thread(target=work)
        worker.start()
        for seconds in (0.1, 0.1, 0.1):
            jobs.put(seconds)
            log("put")
        log(type(outcome(jobs.put, 1, timeout=0.03)).__name__)
        jobs.join()
        log("all done")
        jobs.put(None)
        worker.join()

    clocked(program)


def test_pool(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        with ThreadPoolExecutor(2) as pool:
            jobs = []
            for seconds in (0.1, 0.2, 0.1, 0.2):
                jobs.append(pool.submit(_sleep, seconds))
                time.sleep(0.01)
            for one in jobs:
                log(one.result())
        log("over")

    assert clocked(program)[-1][1] > 0


def test_as_completed(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        with ThreadPoolExecutor(3) as pool:
            jobs = {}
            for seconds in (0.7, 0.1, 0.4):
                jobs[pool.submit(_sleep, seconds)] = seconds
                time.sleep(0.01)
            for one in concurrent.futures.as_completed(jobs, timeout=10):
                log(jobs[one], one.result())

    # Which of them is first is for the machine of the recording to say.
    assert sorted((what for what, _ in clocked(program)), key=str) == [[0.1, 0], [0.4, 0], [0.7, 0]]


def test_future_result_with_a_timeout(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        first, second = Gate(log.folder, "first"), Gate(log.folder, "second")
        with ThreadPoolExecutor(1) as pool:
            job = pool.submit(subprocess.call, first.command())
            log(type(outcome(job.result, 0.1)).__name__)
            log(type(outcome(job.result, 0.1)).__name__)
            first.open()
            log(job.result(30))
            jobs = [pool.submit(_sleep, 0.1), pool.submit(subprocess.call, second.command())]
            jobs.append(pool.submit(_sleep, 0.1))
            log(jobs[0].result(60))
            done, waiting = concurrent.futures.wait(jobs, timeout=0.5)
            log(len(done), len(waiting))
            second.open()

    assert [what for what, _ in clocked(program)] == [
        ["TimeoutError"],
        ["TimeoutError"],
        [0],
        [0],
        [1, 2],
    ]


def test_join_with_a_timeout(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        gate = Gate(log.folder)
        worker = threading.Thread(target=subprocess.call, args=(gate.command(),))
        worker.start()
        for timeout_s in (0.1, 0.1, 30, None):
            if timeout_s == 30:
                gate.open()
            worker.join(timeout_s)
            log(worker.is_alive())

    assert [what for what, _ in clocked(program)] == [[True], [True], [False], [False]]


def test_nested_threads(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        def nest(depth: int) -> None:
            inner = threading.Thread(target=nest, args=(depth - 1,)) if depth else None
            if inner is not None:
                inner.start()
            # One after the other: a tape tells apart who asked first.
            time.sleep(0.01 * (depth + 1))
            _sleep(0.2 * (depth + 1))
            log("depth", depth)
            if inner is not None:
                inner.join()

        nest(3)

    # Which of them is first is for the machine of the recording to say.
    assert sorted((what for what, _ in clocked(program)), key=str) == [["depth", n] for n in range(4)]


def test_plain_lock(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        lock = threading.Lock()

        def work(number: int) -> None:
            with lock:
                log("has it", number)
                _sleep(0.1)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for one in workers:
            one.start()
            time.sleep(0.01)
        with lock:
            log("asked")
        for one in workers:
            one.join()
        log("over")

    clocked(program)


def test_watchdog_thread_that_polls(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sleep", "50"])

        def watch() -> None:
            end_s = time.monotonic() + 0.3
            while time.monotonic() < end_s:
                time.sleep(0.07)
                log("looked")
            child.terminate()

        watcher = threading.Thread(target=watch)
        watcher.start()
        log(child.wait())
        watcher.join()

    clocked(program)


def test_threads_that_sleep_in_step(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        def tick(name: str, first_s: float) -> None:
            for number in range(4):
                time.sleep(0.2 if number else first_s)
                log(name, number)

        # Each sleeps when the next one begins, and all of them until the same moment.
        threads = [
            threading.Thread(target=tick, args=(name, first_s))
            for name, first_s in (("a", 0.2), ("b", 0.19), ("c", 0.18))
        ]
        for one in threads:
            one.start()
            time.sleep(0.01)
        log(_sleep(0.5))
        for one in threads:
            one.join()

    clocked(program)
