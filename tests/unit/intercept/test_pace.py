"""The tape time of a loop: who is stepped, in which order, and how far the time goes."""

from __future__ import annotations

import itertools
import os
import selectors
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from pytest_proctape.child import TABLE, Stalled, VirtualChild, Wiring, virtual
from pytest_proctape.child.machine import Machine
from pytest_proctape.clock import REAL
from pytest_proctape.errors import ProctapeError
from pytest_proctape.intercept.pace import Pace
from pytest_proctape.tape import Content, End, Script
from pytest_proctape.tape.script import Input, Output, Step, Timeout
from pytest_proctape.tape.script import Signal as SignalStep

SECOND = 10**9


class Loop:
    """What a pace wants of a loop."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self.woken, self._wake = os.pipe()
        self._selector.register(self.woken, selectors.EVENT_READ)

    def time(self) -> float:
        return REAL.monotonic_ns() / 1e9

    def _write_to_self(self) -> None:
        os.write(self._wake, b"x")


class Scene:
    """A loop with children.

    Attributes:
        pace: of the loop.
        ended: the children that have, in this order.
        is_stalled: a child may be told that it waits in vain.
    """

    def __init__(self) -> None:
        self.loop = Loop()
        self._inner = self.loop._selector
        self.pace = Pace(self.loop)
        self.ended: list[VirtualChild] = []
        self._children: list[VirtualChild] = []
        self._open: list[int] = []
        self.is_stalled = False

    @property
    def selector(self) -> selectors.BaseSelector:
        return self.loop._selector

    def round(self, timeout: float | None) -> list[bytes]:
        """What a loop does in one; all that was read."""
        found = []
        for key, _ in self.selector.select(timeout):
            assert isinstance(key.fileobj, int)
            found.append(os.read(key.fileobj, 100))
            if not found[-1]:
                self.selector.unregister(key.fileobj)
        return found

    def child(
        self, *steps: Step, lasts_ns: int = 0, stdin: bool = False, stdout: bool = True
    ) -> VirtualChild:
        child = VirtualChild(
            TABLE.unused_pid(),
            1,
            Script(steps, End(0, None, lasts_ns)),
            now_ns=self.pace.now_ns,
            on_wrong=self._wrong,
            on_end=self.ended.append,
        )
        reader, writer = os.pipe()
        inputs: dict[int, int] = {}
        if stdin:
            inputs[0], self.to = os.pipe()
            self._open += [inputs[0], self.to]
        child.start(Wiring(inputs, {1: writer} if stdout else {}, frozenset({writer})))
        os.close(writer)
        self._open.append(reader)
        self._children.append(child)
        if stdout:
            self.selector.register(reader, selectors.EVENT_READ)
        self.pace.add(child, None)
        return child

    def _wrong(self, _: VirtualChild, wrong: Exception) -> ProctapeError:
        assert isinstance(wrong, Stalled)
        assert self.is_stalled
        return ProctapeError(str(wrong))

    def close(self) -> None:
        for child in self._children:
            child.close()
        for fd in [*self._open, self.loop.woken, self.loop._wake]:
            os.close(fd)
        self._inner.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.close()


def test_children_end_in_the_order_of_their_times(scene: Scene) -> None:
    lasts = [50, 10, 40, 20, 30]
    children = {scene.child(lasts_ns=one * SECOND): one for one in lasts}
    while len(scene.ended) < len(lasts):
        before = len(scene.ended)
        assert scene.round(7) in ([], [b""]), "a timer of the loop comes in between"
        assert len(scene.ended) in (before, before + 1)
    assert [children[child] for child in scene.ended] == sorted(lasts)
    assert scene.pace.skipped_s > 45


def test_nobody_is_stepped_who_can_not_move(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 40
    for number in range(count):
        said = Output(1, Content.of(b"x"), (1 + number) * SECOND)
        scene.child(said, lasts_ns=(100 + number) * SECOND)
    steps = itertools.count()
    real = Machine.step

    def step(self: Machine) -> bool:
        next(steps)
        return real(self)

    monkeypatch.setattr(Machine, "step", step)
    while len(scene.ended) < count:
        scene.round(0)
        scene.round(0.5)
    assert next(steps) <= 2 * count, "each at its output and at its end"
    assert scene.pace.at_rest


def test_input_is_taken_in_the_round_in_which_it_is_there(scene: Scene) -> None:
    said = Output(1, Content.of(b"yes\n"))
    scene.child(Input(Content.of(b"now?\n")), said, lasts_ns=SECOND, stdin=True)
    assert scene.round(0) == []
    os.write(scene.to, b"now?\n")
    assert scene.round(0) == [b"yes\n"]
    assert not scene.ended
    assert not scene.pace.skipped_s


def test_a_socket_to_elsewhere_lets_no_time_be_skipped(scene: Scene) -> None:
    scene.child(lasts_ns=3600 * SECOND)
    with socket.socket() as outer:
        outer.bind(("127.0.0.1", 0))
        outer.listen()
        scene.selector.register(outer, selectors.EVENT_READ)
        assert scene.round(0.01) == []
        assert not scene.pace.skipped_s
        scene.selector.unregister(outer)
    assert scene.round(7200) == [b""]
    assert len(scene.ended) == 1


def test_a_pair_of_sockets_is_no_way_out(scene: Scene) -> None:
    scene.child(lasts_ns=3600 * SECOND)
    one, other = socket.socketpair()
    with one, other:
        scene.selector.register(one, selectors.EVENT_READ)
        assert scene.round(7200) == [b""]
        scene.selector.unregister(one)
    assert len(scene.ended) == 1


def test_who_is_told_of_an_end_is_told_while_the_loop_selects(scene: Scene) -> None:
    told: list[str] = []
    child = scene.child(lasts_ns=SECOND)
    scene.pace.tell_by(child, lambda: told.append("ended"))
    scene.round(None)
    assert told == ["ended"]
    gone = scene.child()
    scene.pace.tell_by(gone, lambda: told.append("had ended"))
    scene.round(None)
    assert told == ["ended", "had ended"]


def test_another_thread_that_ends_a_child_wakes_the_loop(scene: Scene) -> None:
    told: list[int] = []
    child = scene.child(SignalStep(int(signal.SIGTERM)), stdout=False)
    scene.pace.tell_by(child, lambda: told.append(child.pid))
    thread = threading.Timer(0.01, child.send, [int(signal.SIGTERM)])
    thread.start()
    while not told:
        # Nothing else could wake it.
        assert scene.round(None) in ([], [b"x"])
    thread.join()


def test_a_child_that_waits_in_vain_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "LONE_STALL_LIMIT_NS", 1_000_000)
    monkeypatch.setattr(virtual, "STALL_LIMIT_NS", 1_000_000)
    scene.is_stalled = True
    scene.child(Input(Content.of(b"never")), stdin=True)
    assert scene.round(None) == [b""]
    assert [child.status for child in scene.ended] == [signal.SIGKILL]


def test_a_wait_that_expired_holds_nobody_back_in_a_loop_without_timers(scene: Scene) -> None:
    scene.child(Timeout(SECOND), Output(1, Content.of(b"later")), lasts_ns=2 * SECOND)
    assert scene.round(None) == [b"later"]
