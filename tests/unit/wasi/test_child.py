"""The child whose program is a module, by itself."""

from __future__ import annotations

import os
import signal
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("wasmtime")

from pytest_proctape.child import TABLE, Wiring
from pytest_proctape.errors import ProctapeError, UsageError
from pytest_proctape.limits import Limits
from pytest_proctape.tape import STDERR, STDOUT
from pytest_proctape.wasi import ModuleChild, Request, Tool, Toolchain, ToolTime
from tests import toolchain

FUEL = 10**7


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "tools"


def tool(folder: Path, name: str, text: str | None = None) -> Tool:
    return Toolchain(folder).load(toolchain.put(folder, name, text))


class Run:
    """One module with pipes of its own.

    Attributes:
        child: it.
        failed: what went wrong, kind and words.
    """

    def __init__(self, of: Tool, *, fuel: int = FUEL, limits: Limits | None = None) -> None:
        self.failed: list[tuple[str, str]] = []
        self._inner = [*os.pipe(), *os.pipe()]
        request = Request(of, ["tool"], {}, {}, b"seed", fuel)
        pid = TABLE.new_pid()
        self.child = ModuleChild(
            pid,
            pid,
            request,
            ToolTime(),
            limits or Limits(),
            on_failed=self._on_failed,
            on_end=TABLE.tell,
        )

    def _on_failed(self, kind: str, words: str) -> ProctapeError:
        self.failed.append((kind, words))
        return UsageError(words)

    def start(self) -> None:
        stdin, _, _, stdout = self._inner
        self.child.start(Wiring({0: stdin}, {1: stdout, 2: stdout}, frozenset({stdin, stdout})))
        os.close(stdin)
        os.close(stdout)
        self._inner = [self._inner[1], self._inner[2]]

    def send(self, data: bytes) -> None:
        os.write(self._inner[0], data)

    def said(self, size: int = 100) -> bytes:
        return os.read(self._inner[1], size)

    def close(self) -> None:
        self.child.close()
        for fd in self._inner:
            os.close(fd)


@contextmanager
def started(of: Tool, *, fuel: int = FUEL, limits: Limits | None = None) -> Iterator[Run]:
    run = Run(of, fuel=fuel, limits=limits)
    try:
        run.start()
        yield run
    finally:
        run.close()


def test_it_runs_only_while_it_is_stepped(tools: Path) -> None:
    with started(tool(tools, "upper")) as run:
        assert run.said() == b"hello\n"
        assert run.child.poll() is None
        run.send(b"abc")
        run.child.step()
        assert run.said() == b"ABC"
        script = run.child.so_far()
        assert (script.stream(0), script.stream(STDOUT)) == (b"abc", b"hello\nABC")


def test_a_child_that_is_closed_leaves_nothing_behind(tools: Path) -> None:
    for name in ("upper", "hello", "spin", "day"):
        with started(tool(tools, name)) as run:
            assert run.said(6)
        assert run.child.status is not None


def test_it_may_do_so_many_instructions_between_two_waits(tools: Path) -> None:
    before = "(local.set $at (i32.const 65536))"
    count = "(local.set $at (i32.const 500000))"
    spin = "(loop $spin (br_if $spin (local.tee $at (i32.sub (local.get $at) (i32.const 1)))))"
    busy = toolchain.TOOLS["upper"].replace(before, f"{count} {spin} {before}")
    with started(tool(tools, "busy", busy)) as run:
        assert run.said() == b"hello\n"
        for _ in range(10):
            run.send(b"abc")
            run.child.step()
            assert run.said() == b"ABC"


_OK, _BADF, _INVAL = 0, 8, 28
"""Errors of WASI."""


def test_the_calls_about_time_know_four_clocks(tools: Path) -> None:
    with started(tool(tools, "times")) as run:
        assert run.child.wait() == 0
        resolution, computed = struct.unpack("<QQ", run.said(16))
        assert 1 <= resolution <= 1000
        assert computed == 0, "what is computed takes no time"
        assert [*run.said()] == [_OK, _INVAL, _OK, _INVAL, _OK, _INVAL]


def test_one_that_sleeps_until_a_time_sleeps_till_then(tools: Path) -> None:
    hour_ns = 3600 * 10**9
    with started(tool(tools, "until")) as run:
        assert run.child.wait() == 0
        (now_ns,) = struct.unpack("<Q", run.said())
        assert hour_ns <= now_ns < hour_ns + 60 * 10**9


def test_what_is_closed_is_no_descriptor_any_more(tools: Path) -> None:
    with started(tool(tools, "closed")) as run:
        assert run.child.wait() == 0
        assert [*run.said()] == [_OK, _BADF, _BADF, _OK, _BADF, _BADF, _BADF, _BADF]


def test_one_that_waits_for_input_for_a_while_is_given_it(tools: Path) -> None:
    with started(tool(tools, "patient")) as run:
        assert run.child.poll() is None
        run.send(b"x")
        assert run.child.wait() == 0
        assert run.said() == b"in\n"


def test_one_that_waits_for_input_in_vain_goes_on_when_its_time_has_come(tools: Path) -> None:
    with started(tool(tools, "patient")) as run:
        assert run.child.poll() is None
        assert run.child.wait() == 0
        assert run.said() == b"late\n"


def test_one_that_waits_for_input_in_vain_is_not_waited_for_by_a_read(tools: Path) -> None:
    with started(tool(tools, "patient")) as run:
        assert run.said() == b"late\n"
        assert run.child.wait() == 0


def test_one_that_never_ends_expires_and_can_be_killed(tools: Path) -> None:
    with started(tool(tools, "spin")) as run:
        assert run.child.expires(10**18)
        assert run.child.poll() is None
        run.child.send(signal.SIGKILL)
        assert run.child.wait() == signal.SIGKILL
        assert run.failed == []


def test_who_waits_for_one_that_never_ends_is_told(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Other plugins may have threads, which could do something about it.
    monkeypatch.setattr("pytest_proctape.child.virtual.STALL_LIMIT_NS", 10**6)
    with started(tool(tools, "spin")) as run:
        with pytest.raises(UsageError):
            run.child.wait()
        assert [kind for kind, _ in run.failed] == ["stall"]


def test_a_kill_reaches_one_that_computes(tools: Path) -> None:
    # With so much fuel it computes for hours.
    run = Run(tool(tools, "spin"), fuel=10**13)
    starting = threading.Thread(target=run.start)
    starting.start()
    assert run_said(run) == b"hello\n"
    run.child.send(signal.SIGTERM)
    starting.join()
    assert run.child.wait() == signal.SIGTERM
    run.close()


def run_said(run: Run) -> bytes:
    return os.read(run._inner[2], 6)


def test_a_handler_may_kill_what_is_being_stepped(tools: Path) -> None:
    run = Run(tool(tools, "spin"), fuel=10**13)
    before = signal.signal(signal.SIGUSR1, lambda number, frame: run.child.send(signal.SIGKILL))

    def interrupt() -> None:
        run_said(run)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    other = threading.Thread(target=interrupt)
    other.start()
    try:
        run.start()
        assert run.child.wait() == signal.SIGKILL
    finally:
        signal.signal(signal.SIGUSR1, before)
        other.join()
        run.close()


def test_ctrl_c_ends_what_is_being_stepped(tools: Path) -> None:
    run = Run(tool(tools, "spin"), fuel=10**13)

    def interrupt() -> None:
        run_said(run)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    other = threading.Thread(target=interrupt)
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run.start()
        assert run.child.poll() == signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, before)
        other.join()
        run.close()


def test_output_waits_for_room(tools: Path) -> None:
    with started(tool(tools, "yes")) as run:
        total = 0
        while total < 1 << 20:
            total += len(run.said(1 << 16))
            run.child.step()
        assert run.child.poll() is None


def test_too_much_output(tools: Path) -> None:
    with started(tool(tools, "yes"), limits=Limits(output=1000)) as run:
        with pytest.raises(UsageError):
            run.child.wait()
        assert run.failed == [("output", "wrote more than 1,000 bytes (tapes_max_output)")]


def test_a_trap_is_told_once_and_ends_it(tools: Path) -> None:
    with started(tool(tools, "trap")) as run:
        assert run.said() == b"hello\n"
        with pytest.raises(UsageError, match="unreachable"):
            run.child.wait()
        assert run.child.poll() == signal.SIGKILL
        assert [kind for kind, _ in run.failed] == ["trap"]


def test_a_place_outside_of_its_memory_is_an_error_of_the_call(tools: Path) -> None:
    wild = """
        (drop (call $write (i32.const 1) (i32.const 1024) (i32.const -1)))
        (drop (call $random_get (i32.const -8) (i32.const 64)))
        (call $proc_exit (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 262140)))"""
    text = toolchain.TOOLS["hello"].replace("(call $print (i32.const 1024) (i32.const 6))", wild)
    with started(tool(tools, "wild", text)) as run:
        assert run.child.wait() == 21 << 8


def test_both_outputs_may_be_one(tools: Path) -> None:
    with started(tool(tools, "fail")) as run:
        assert run.child.wait() == 7 << 8
        assert run.said() == b"hello\nbad\n"
        script = run.child.so_far()
        assert (script.stream(STDOUT), script.stream(STDERR)) == (b"hello\n", b"bad\n")
