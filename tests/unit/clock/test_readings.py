"""Which mock clock is in place, and what it shows; each is moved in its own way."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import freezegun
import pytest

from pytest_proctape.clock import ns_of
from pytest_proctape.clock.readings import OwnReading, topmost

from .conftest import MS

AT = datetime(2020, 2, 3, 4, 5, 6, 7000)
AT_NS = round(AT.replace(tzinfo=UTC).timestamp()) * 10**9 + 7 * MS


def test_there_is_none() -> None:
    assert topmost() is None


def test_one_of_freezegun() -> None:
    with freezegun.freeze_time(AT) as frozen:
        found = topmost()
        assert found is not None
        assert found[1].now_ns() == AT_NS
        assert not found[1].flows
        found[1].add(5 * MS)
        assert frozen() == AT + timedelta(milliseconds=5)
        with freezegun.freeze_time("2030-01-01"):
            inner = topmost()
            assert inner is not None
            assert inner[0] is not found[0]
    assert topmost() is None


def test_one_of_freezegun_with_a_zone() -> None:
    with freezegun.freeze_time(AT.replace(tzinfo=timezone(timedelta(hours=2)))):
        found = topmost()
        assert found is not None
        assert found[1].now_ns() == AT_NS - 7200 * 10**9


@pytest.fixture
def nobody_reads() -> Iterator[None]:
    """Hypothesis looks at the time whenever garbage is collected, which moves a clock that ticks so."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("nobody_reads")
def test_one_that_ticks_by_being_read_is_not_moved_by_us() -> None:
    with freezegun.freeze_time(AT, auto_tick_seconds=15):
        found = topmost()
        assert found is not None
        assert [found[1].now_ns() for _ in range(3)] == [AT_NS] * 3
        found[1].add(MS)
        assert found[1].now_ns() == AT_NS + MS


def test_one_that_flows() -> None:
    with freezegun.freeze_time(AT, tick=True):
        found = topmost()
        assert found is not None
        assert found[1].flows
        before_ns = found[1].now_ns()
        found[1].add(3600 * 10**9)
        assert found[1].now_ns() - before_ns >= 3600 * 10**9


@pytest.mark.parametrize("tick", [False, True])
def test_one_of_time_machine(tick: bool) -> None:
    time_machine = pytest.importorskip("time_machine")
    with time_machine.travel(AT.replace(tzinfo=UTC), tick=tick):
        found = topmost()
        assert found is not None
        assert found[1].flows is tick
        assert not found[1].monotonic
        before_ns = found[1].now_ns()
        found[1].add(3600 * 10**9)
        assert found[1].now_ns() - before_ns >= 3600 * 10**9
    assert topmost() is None
    # It can't be asked any more, and is not.
    assert found[1].now_ns() > 0


def test_our_own_is_a_factory_of_freezeguns() -> None:
    reading = OwnReading(AT_NS)
    assert reading() == reading.time_to_freeze == AT
    assert reading.tick() == AT + timedelta(seconds=1)
    assert reading.tick(timedelta(milliseconds=5)) == AT + timedelta(seconds=1, milliseconds=5)
    reading.move_to(AT)
    assert reading.now_ns() == AT_NS


@pytest.mark.parametrize(
    "delta, ns",
    [
        (0, 0),
        (1, 10**9),
        (0.1, 10**8),
        (1e-6, 1000),
        (1e-7, 0),
        (timedelta(days=1), 86400 * 10**9),
        (-1, -(10**9)),
    ],
)
def test_whole_microseconds(delta: float | timedelta, ns: int) -> None:
    assert ns_of(delta) == ns
