"""A warden with a child that is only said to run."""

from __future__ import annotations

import threading

from pytest_proctape.child import Broken
from pytest_proctape.child.warden import Warden, cut_mark
from pytest_proctape.errors import RecordError
from pytest_proctape.limits import Limits


class Said:
    """A child as its warden sees it; a pid that nobody has."""

    pid = 2**22 + 7
    open = True

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.cuts = 0

    def gone(self) -> bool:
        return False

    def cut_off(self) -> None:
        self.cuts += 1

    def pipes(self) -> list[int]:
        return []


def made(limits: Limits) -> tuple[Warden, list[tuple[Broken, str]], Said]:
    told: list[tuple[Broken, str]] = []

    def on_broken(kind: Broken, words: str) -> RecordError:
        told.append((kind, words))
        return RecordError(words)

    warden, child = Warden(limits, None, on_broken), Said()
    warden.watch(child)
    return warden, told, child


def test_output_up_to_the_limit_goes_through() -> None:
    warden, told, _ = made(Limits(output=5))
    assert (warden.admit(1, b"abc"), warden.admit(1, b"de")) == (b"abc", b"de")
    assert told == []
    assert warden.take_error() is None


def test_one_byte_more_is_told_once_and_nothing_more_goes_through() -> None:
    warden, told, child = made(Limits(output=5))
    assert (warden.admit(1, b"abcdef"), warden.admit(1, b"g")) == (b"abcde", b"")
    assert told == [("output", "wrote more than 5 bytes (tapes_max_output)")]
    error = warden.take_error()
    assert error is not None
    assert warden.take_error() is None
    warden.close()
    assert child.cuts == 1, "it had not ended by then"


def test_a_chunk_that_ends_at_the_limit_and_one_that_begins_there() -> None:
    warden, told, _ = made(Limits(output=3))
    assert warden.admit(1, b"abc") == b"abc"
    assert told == []
    assert warden.admit(1, b"d") == b""
    assert len(told) == 1
    warden.close()


def test_each_output_has_the_limit_for_itself_and_stderr_is_cut_with_a_mark() -> None:
    warden, told, _ = made(Limits(output=3))
    assert warden.admit(1, b"abc") == b"abc"
    assert warden.admit(2, b"abc") == b"abc"
    assert warden.admit(2, b"d") == cut_mark(3)
    assert warden.admit(2, b"e") == b""
    assert told == []
