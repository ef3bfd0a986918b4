"""Programs that read from and write to commands that take their time."""

from __future__ import annotations

import fcntl
import os
import re
import select
import selectors
import subprocess
import threading
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.parity.clock.harness import Clocked, Log
from tests.parity.gates import Gate
from tests.parity.observe import outcome, python

THREE_LINES = "for i in 1 2 3; do echo $i; sleep 0.1; done"
GROWING = "sleep 0.05; echo a; sleep 0.05; echo bb; sleep 0.15; echo ccc; sleep 0.3; echo dddd"


def test_rate_meter(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        child = subprocess.Popen(["sh", "-c", GROWING], stdout=PIPE, text=True)
        assert child.stdout is not None
        got = 0
        for line in child.stdout:
            got += len(line)
            log(line, got)
        log(child.wait())
        child.stdout.close()

    told = clocked(program)
    # How much later it has said the last one is for the machine of the recording to say.
    assert told[3][1] >= told[2][1]


def test_lines_as_they_come(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        with subprocess.Popen(["sh", "-c", THREE_LINES], stdout=PIPE, bufsize=0) as child:
            assert child.stdout is not None
            while line := child.stdout.readline():
                log(line)
            log("end")
        log(child.returncode)

    assert len(clocked(program)) == 5


def test_os_read_loop(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        with subprocess.Popen(["sh", "-c", THREE_LINES], stdout=PIPE) as child:
            assert child.stdout is not None
            while data := os.read(child.stdout.fileno(), 100):
                log(data)
        log(child.returncode)

    clocked(program)


def test_reading_with_pauses_of_ones_own(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        with subprocess.Popen(["sh", "-c", GROWING], stdout=PIPE) as child:
            assert child.stdout is not None
            for line in child.stdout:
                log(line)
                time.sleep(0.08)
        log(child.returncode)

    clocked(program)


def test_non_blocking_reads(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        with subprocess.Popen(["sh", "-c", THREE_LINES.replace("0.1", "0.3")], stdout=PIPE) as child:
            assert child.stdout is not None
            fd = child.stdout.fileno()
            fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)
            waited = 0
            while True:
                try:
                    data = os.read(fd, 100)
                except BlockingIOError:
                    waited += 1
                    time.sleep(0.02)
                    continue
                log(data, waited)
                if not data:
                    break
        log(child.returncode)

    clocked(program)


@pytest.mark.parametrize("look", ["read", "select", "poll"])
def test_looks_without_a_pause(clocked: Clocked, look: str) -> None:
    def program(log: Log) -> None:
        with subprocess.Popen(["sh", "-c", "sleep 0.1; echo a"], stdout=PIPE) as child:
            assert child.stdout is not None
            fd = child.stdout.fileno()
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            os.set_blocking(fd, look != "read")
            while True:
                if (look == "select" and not select.select([fd], [], [], 0)[0]) or (
                    look == "poll" and not poll.poll(0)
                ):
                    continue
                try:
                    data = os.read(fd, 100)
                except BlockingIOError:
                    continue
                if not data:
                    break
        log.events.append((child.returncode, 0))

    clocked(program)


def test_work_between_two_reads(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        said = "echo 1; sleep 0.02; echo 2; sleep 0.02; echo 3"
        with subprocess.Popen(["sh", "-c", said], stdout=PIPE, bufsize=0) as child:
            assert child.stdout is not None
            while data := os.read(child.stdout.fileno(), 100):
                log(data)
                # It says more in the meantime, which takes no time of the clock: that is another piece.
                sum(number * number for number in range(500_000))

    clocked(program)


def _two() -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    first = subprocess.Popen(["sh", "-c", "sleep 0.3; echo a; sleep 0.6; echo b"], stdout=PIPE)
    second = subprocess.Popen(["sh", "-c", "sleep 0.6; echo c; sleep 0.6; echo d"], stdout=PIPE)
    return first, second


def test_select_over_two_children(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        first, second = _two()
        with first, second:
            left = [one.stdout for one in (first, second) if one.stdout]
            while left:
                ready, _, _ = select.select(left, [], [], 0.2)
                log(len(ready))
                for one in ready:
                    data = os.read(one.fileno(), 100)
                    log(data)
                    if not data:
                        left.remove(one)
        log(first.returncode, second.returncode)

    clocked(program)


def test_poll_over_two_children(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        first, second = _two()
        with first, second:
            poll = select.poll()
            left = {one.stdout.fileno(): number for number, one in enumerate((first, second)) if one.stdout}
            for fd in left:
                poll.register(fd, select.POLLIN)
            while left:
                found = poll.poll(200)
                log([left[fd] for fd, _ in found])
                for fd, _ in found:
                    data = os.read(fd, 100)
                    log(data)
                    if not data:
                        poll.unregister(fd)
                        del left[fd]

    clocked(program)


def test_selectors_over_two_children(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        first, second = _two()
        with first, second, selectors.DefaultSelector() as selector:
            for name, one in (("first", first), ("second", second)):
                assert one.stdout is not None
                selector.register(one.stdout, selectors.EVENT_READ, name)
            while selector.get_map():
                found = selector.select(timeout=0.2)
                log([key.data for key, _ in found])
                for key, _ in found:
                    data = os.read(key.fd, 100)
                    log(key.data, data)
                    if not data:
                        selector.unregister(key.fileobj)

    clocked(program)


def test_an_output_that_is_closed_early(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        gate = Gate(log.folder)
        with subprocess.Popen(
            gate.command("echo hello; exec >&-", "sleep 0.2; exit 4"), stdout=PIPE
        ) as child:
            assert child.stdout is not None
            log(child.stdout.read())
            log(child.poll())
            gate.open()
            log(child.wait())

    told = clocked(program)
    assert told[2][1] > told[1][1]


def test_input_that_is_written_slowly(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE, bufsize=0) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for word in (b"one", b"two", b"three"):
                time.sleep(0.1)
                child.stdin.write(word)
                log(child.stdout.read(10))
            child.stdin.close()
            log(child.stdout.read(10))
        log(child.returncode)

    clocked(program)


def test_dialog_with_a_slow_child(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        code = "while read word; do sleep 0.2; echo got $word; done; sleep 0.1; exit 5"
        with subprocess.Popen(["sh", "-c", code], stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for word in ("one", "two", "three"):
                child.stdin.write(word + "\n")
                log("sent")
                log(child.stdout.readline())
                time.sleep(0.05)
            child.stdin.close()
            log(child.wait())

    told = clocked(program)
    assert [b[1] > a[1] for a, b in zip(told[0::2], told[1::2], strict=False)][:3] == [True] * 3


def test_more_than_a_pipe_holds_is_read(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        code = (
            "import sys, time\nfor _ in range(3):\n time.sleep(0.1)\n sys.stdout.write('x' * 150000)\n"
            " sys.stdout.flush()"
        )
        with subprocess.Popen(python(code), stdout=PIPE) as child:
            assert child.stdout is not None
            for _ in range(3):
                log(len(child.stdout.read(150_000)))
            log(child.stdout.read())
        log(child.returncode)

    clocked(program)


def test_pipeline(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        first = subprocess.Popen(["sh", "-c", THREE_LINES], stdout=PIPE)
        second = subprocess.Popen(["cat"], stdin=first.stdout, stdout=PIPE)
        assert first.stdout is not None
        assert second.stdout is not None
        first.stdout.close()
        log(second.communicate()[0])
        log(first.wait(), second.returncode)

    assert clocked(program)[0][1] > 0


def test_reader_of_a_file_that_grows(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        path: Path = log.folder / "log.txt"
        path.write_text("one\n")
        with subprocess.Popen(["tail", "-f", "-s", "0.05", str(path)], stdout=PIPE, text=True) as child:
            assert child.stdout is not None
            log(child.stdout.readline())
            for word in ("two", "three"):
                with path.open("a") as file:
                    file.write(word + "\n")
                log(child.stdout.readline())
            child.terminate()
            log(child.wait())

    assert [what for what, _ in clocked(program)][1:] == [["two\n"], ["three\n"], [-15]]


def test_readers_in_threads(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        code = "for i in 1 2 3; do echo out$i; sleep 0.05; echo err$i >&2; sleep 0.05; done"
        with subprocess.Popen(["sh", "-c", code], stdout=PIPE, stderr=PIPE) as child:

            def read(stream: object) -> None:
                for line in stream:  # type: ignore[attr-defined]
                    log(line)

            threads = [threading.Thread(target=read, args=(one,)) for one in (child.stdout, child.stderr)]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
            log(child.wait())

    said = "".join(str(what) for what, _ in clocked(program))
    # Which stream is ahead is for the machine of the recording to say.
    assert re.findall(r"out\d", said) == ["out1", "out2", "out3"]
    assert re.findall(r"err\d", said) == ["err1", "err2", "err3"]


def test_check_output_of_both_streams(clocked: Clocked) -> None:
    def program(log: Log) -> None:
        code = "echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three"
        log(outcome(subprocess.run, ["sh", "-c", code], capture_output=True, timeout=30))
        log(outcome(subprocess.run, ["sh", "-c", code], capture_output=True, timeout=0.3))
        log(subprocess.check_output(["sh", "-c", code], stderr=subprocess.STDOUT))

    clocked(program)
