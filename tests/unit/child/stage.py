"""A virtual child on a stage: its script, the pipes to it, and what it complained of."""

from __future__ import annotations

import os
import select
import threading
from types import TracebackType
from typing import Self

from pytest_proctape.child import TABLE, Stalled, VirtualChild, Wiring, WrongCause
from pytest_proctape.errors import Divergence, ProctapeError
from pytest_proctape.tape import Content, End, Script
from pytest_proctape.tape.script import Input, InputEnd, Output, Step
from tests.parity.harness import deadline

MS = 1_000_000
"""Nanoseconds."""


def says(data: bytes, fd: int = 1, at_ns: int = 0) -> Output:
    return Output(fd, Content.of(data), at_ns)


def hears(data: bytes, at_ns: int = 0) -> Input:
    return Input(Content.of(data), at_ns)


CLOSED = InputEnd()


class Waiter:
    """Another thread that waits for a child of a loop, from when this is made."""

    def __init__(self, child: VirtualChild) -> None:
        self._codes: list[int] = []
        self._thread = threading.Thread(target=lambda: self._codes.append(child.wait()))
        self._thread.start()
        with deadline("the thread to wait", 15):
            while child._changed is None:
                os.sched_yield()

    def codes(self) -> list[int]:
        """What it was told, once it has gone on; empty if it doesn't."""
        self._thread.join(15)
        return self._codes


class Stage:
    """The parent's side of a child with three pipes.

    Attributes:
        child: not started before the stage is entered.
        wrong: what it complained of.
        ended: how often it told that it had ended.
    """

    def __init__(
        self,
        *steps: Step,
        status: int | None = 0,
        duration_ns: int = 0,
        merged: bool = False,
        private: bool = True,
    ) -> None:
        script = Script(steps, End(status, None, duration_ns), merged=merged)
        self.wrong: list[WrongCause | Stalled] = []
        self.ended = 0
        self.child = VirtualChild(TABLE.new_pid(), 1, script, on_wrong=self._on_wrong, on_end=self._on_end)
        self._merged = merged
        self._private = private

    def __enter__(self) -> Self:
        their_in, self.to = os.pipe()
        self.out, their_out = os.pipe()
        self.err, their_err = os.pipe()
        outputs = {1: their_out, 2: their_out if self._merged else their_err}
        self.child.start(
            Wiring({0: their_in}, outputs, frozenset({their_out, their_err} if self._private else ()))
        )
        self.blocking = os.get_blocking(their_out)
        for fd in (their_in, their_out, their_err):
            os.close(fd)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.close()
        for fd in (self.to, self.out, self.err):
            if fd != -1:
                os.close(fd)

    def send(self, data: bytes) -> None:
        """Write to the child."""
        os.write(self.to, data)

    def close_input(self) -> None:
        """Close the child's input."""
        os.close(self.to)
        self.to = -1

    def heard(self) -> bytes:
        """What can be read of its output without waiting."""
        data = b""
        while select.select([self.out], [], [], 0)[0]:
            part = os.read(self.out, 1 << 16)
            if not part:
                break
            data += part
        return data

    def all_of(self, fd: int) -> bytes:
        """All of an output, to its end."""
        data = b""
        while part := os.read(fd, 1 << 16):
            data += part
        return data

    def _on_wrong(self, child: VirtualChild, wrong: WrongCause | Stalled) -> ProctapeError:
        self.wrong.append(wrong)
        return Divergence("wrong")

    def _on_end(self, child: VirtualChild) -> None:
        self.ended += 1
