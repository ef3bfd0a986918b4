"""What was changed is put back, whatever fails or is interrupted."""

from __future__ import annotations

import pytest

from pytest_proctape.undo import Undo, to_its_end


class Interrupted:
    """A function that is interrupted the first few times."""

    def __init__(self, times: int) -> None:
        self.calls = 0
        self._times = times

    def __call__(self) -> None:
        self.calls += 1
        if self.calls <= self._times:
            raise KeyboardInterrupt


def test_the_last_one_comes_first_and_each_once() -> None:
    undo, told = Undo(), list[str]()
    undo.callback(told.append, "first")
    undo.callback(told.append, "last")
    assert undo
    undo.close()
    undo.close()
    assert told == ["last", "first"]
    assert not undo


def test_what_is_interrupted_is_done_again_and_the_others_all_the_same() -> None:
    undo, told, interrupted = Undo(), list[str](), Interrupted(1)
    undo.callback(told.append, "first")
    undo.callback(interrupted)
    with pytest.raises(KeyboardInterrupt):
        undo.close()
    assert (told, interrupted.calls) == (["first"], 2)
    assert not undo


def test_one_that_always_fails_does_not_keep_the_others() -> None:
    undo, told, failing = Undo(), list[str](), Interrupted(100)
    undo.callback(told.append, "first")
    undo.callback(failing)
    with pytest.raises(KeyboardInterrupt):
        undo.close()
    assert (told, failing.calls) == (["first"], 2)
    assert not undo


def test_to_its_end_goes_on_once() -> None:
    interrupted = Interrupted(1)
    with pytest.raises(KeyboardInterrupt):
        to_its_end(interrupted)
    assert interrupted.calls == 2
    to_its_end(interrupted)
    assert interrupted.calls == 3
