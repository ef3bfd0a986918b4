"""What is made without a look for garbage; see :mod:`pytest_proctape.uncollected`."""

from __future__ import annotations

import gc

import pytest

from pytest_proctape.uncollected import make_old, uncollected


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the collector is asked for. Nothing is really frozen: this process has frozen much of its own."""
    found: list[str] = []

    def count() -> int:
        found.append("count")
        return 0

    monkeypatch.setattr(gc, "get_freeze_count", count)
    monkeypatch.setattr(gc, "freeze", lambda: found.append("freeze"))
    monkeypatch.setattr(gc, "unfreeze", lambda: found.append("unfreeze"))
    return found


def test_much_that_stays_is_made_old(asked: list[str]) -> None:
    with uncollected(for_good=True):
        made = [[number] for number in range(2 * gc.get_threshold()[0])]
        assert not gc.isenabled()
    assert asked == ["count", "freeze", "unfreeze"]
    assert gc.isenabled()
    assert made


def test_where_little_was_made_nobody_counts_what_is_frozen(asked: list[str]) -> None:
    with uncollected(for_good=True):
        import pytest_proctape.direct  # noqa: F401 - as whoever wants a room does; it is there already
    assert asked == []


def test_much_that_goes_again_is_left_to_the_collector(asked: list[str]) -> None:
    with uncollected():
        made = [[number] for number in range(2 * gc.get_threshold()[0])]
    assert made
    assert asked == []


def test_what_somebody_else_has_frozen_stays_so(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "get_freeze_count", lambda: 1)
    with uncollected(for_good=True):
        made = [[number] for number in range(2 * gc.get_threshold()[0])]
    assert made
    assert asked == []


def test_what_stays_is_made_old(asked: list[str]) -> None:
    make_old()
    assert asked == ["count", "freeze", "unfreeze"]
