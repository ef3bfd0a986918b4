"""Under a mock clock a word is never seen in a moment in which somebody has looked for it in vain."""

from __future__ import annotations

import os
import selectors
from collections.abc import Iterator
from functools import partial

import pytest

from pytest_proctape.child import moments
from pytest_proctape.child.moments import Moments, TooSoon
from pytest_proctape.child.pump import PUMP
from pytest_proctape.child.tap import Tap
from pytest_proctape.clock import Timeline, readings
from pytest_proctape.clock.readings import OwnReading

US = 1000


class Owner:
    def step(self) -> bool:
        return False


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> list[OwnReading]:
    """The mock clocks that there are; none when it is cleared."""
    stack = [OwnReading(0)]
    monkeypatch.setattr(readings, "topmost", lambda: (stack[-1], stack[-1]) if stack else None)
    return stack


@pytest.fixture
def timeline(clocks: list[OwnReading]) -> Timeline:
    assert clocks
    return Timeline()


@pytest.fixture
def noted() -> list[int]:
    return []


@pytest.fixture
def words(timeline: Timeline, noted: list[int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Moments]:
    monkeypatch.setattr(moments, "PATIENCE_NS", 3600 * 10**9)
    yield Moments(timeline, noted.append)
    # Nobody steps the owners.
    PUMP.pause()
    PUMP.resume()


def _say() -> int:
    return 5


def test_a_word_is_noted_in_the_moment_in_which_it_is_seen(
    timeline: Timeline, words: Moments, noted: list[int]
) -> None:
    assert words.pass_on(_say) == 5
    assert noted == [timeline.now_ns()]
    assert words.due_ns is None


def test_a_word_waits_for_the_next_moment(timeline: Timeline, words: Moments, noted: list[int]) -> None:
    timeline.give_up()
    with pytest.raises(TooSoon):
        words.pass_on(_say)
    assert noted == []
    assert words.due_ns == timeline.now_ns() + US
    timeline.add(US)
    assert words.pass_on(_say) == 5
    assert noted == [timeline.now_ns()] == [words.due_ns]


def test_a_word_does_not_wait_for_ever(
    timeline: Timeline, words: Moments, noted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moments, "PATIENCE_NS", 0)
    timeline.give_up()
    words.pass_on(_say)
    assert noted == [timeline.now_ns() + US]


def test_what_was_said_before_the_end_is_seen_at_once(
    timeline: Timeline, words: Moments, noted: list[int]
) -> None:
    timeline.give_up()
    words.at_once = True
    words.pass_on(_say)
    assert noted == [timeline.now_ns()]


def test_no_word_waits_for_a_clock_that_is_gone(
    clocks: list[OwnReading], timeline: Timeline, words: Moments, noted: list[int]
) -> None:
    timeline.give_up()
    clocks.clear()
    words.pass_on(_say)
    assert noted == [timeline.known_ns()]


def test_who_waits_is_stepped_again(
    timeline: Timeline, words: Moments, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(PUMP, "call_at", lambda at_ns, _owner: asked.append(at_ns is not None))
    owner = Owner()
    words.stepped(owner, waits=False)
    assert asked == []
    timeline.give_up()
    with pytest.raises(TooSoon):
        words.pass_on(_say)
    words.stepped(owner, waits=True)
    assert asked == [True]
    words.stepped(owner, waits=False)
    assert asked == [True, False]
    assert words.due_ns is None


class Line:
    """child -> tap -> parent; nobody but the test steps the tap."""

    def __init__(self, words: Moments) -> None:
        self.parent, writer = os.pipe()
        os.set_blocking(self.parent, False)
        self.said: list[bytes] = []
        self.ends: list[int] = []
        self.tap = Tap(
            1,
            writer,
            inward=False,
            private=True,
            note=self.said.append,
            on_end=partial(self.ends.append, 1),
        )
        self.tap.moments = words
        self.child = os.dup(self.tap.childs)
        self.tap.child_started()
        os.close(writer)

    def step(self) -> None:
        self.tap.step(self)

    def seen(self) -> bytes | None:
        try:
            return os.read(self.parent, 100)
        except BlockingIOError:
            return None


@pytest.fixture
def line(words: Moments, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    watched: dict[int, int] = {}
    monkeypatch.setattr(PUMP, "watch", lambda fd, events, _owner: watched.update({fd: events}))
    monkeypatch.setattr(PUMP, "forget", lambda fd: watched.pop(fd, None))
    made = Line(words)
    vars(made)["watched"] = watched
    yield made
    made.tap.close()
    os.close(made.parent)
    if made.child != -1:
        os.close(made.child)
    assert not watched


def test_a_tap_holds_back_a_word(timeline: Timeline, line: Line) -> None:
    os.write(line.child, b"one")
    timeline.give_up()
    line.step()
    assert line.seen() is None
    assert line.tap.early
    # Nothing of it can be read or written now, so nobody is woken.
    watched = vars(line)["watched"]
    assert all(not events & (selectors.EVENT_READ | selectors.EVENT_WRITE) for events in watched.values())
    line.step()
    assert line.seen() is None
    timeline.add(US)
    line.step()
    assert line.seen() == b"one"
    assert line.said == [b"one"]
    assert not line.tap.early


def test_a_tap_holds_back_an_end(timeline: Timeline, line: Line) -> None:
    os.close(line.child)
    line.child = -1
    timeline.give_up()
    line.step()
    assert (line.seen(), line.ends, line.tap.ended) == (None, [], False)
    timeline.add(US)
    line.step()
    assert (line.seen(), line.ends, line.tap.ended) == (b"", [1], True)
