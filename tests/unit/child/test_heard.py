"""The child that is heard: what a list is enough for, and when it is more. No process runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_proctape.child import Ends, HeardChild, Warden, Wiring
from pytest_proctape.errors import OutputLimitExceeded, RecordError
from pytest_proctape.limits import Limits
from pytest_proctape.tape import Script, SpawnError, Spool, brief_fields_of, encode, fields_of
from pytest_proctape.tape.script import Ended, Input, InputEnd, Output, Signal, Timeout

NOBODY = 2**22 + 5
"""A pid that no process has: the child is "gone" whenever it is asked."""


class ParentsEnd:
    """Of a pipe."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def fileno(self) -> int:
        return self.fd

    def close(self) -> None:
        if self.fd != -1:
            os.close(self.fd)
        self.fd = -1


class Heard:
    """Such a child with two outputs, whose ends of the child are held here."""

    def __init__(self, folder: Path, *, sent: bytes | None = None, limit: int = 1 << 20) -> None:
        self.given: dict[int, int] = {}
        self.wardens: list[Warden] = []
        self.errors: list[RecordError] = []
        inputs, ends = {}, {}
        if sent is not None:
            inputs[0], self.to = os.pipe()
        for fd in (1, 2):
            reader, self.given[fd] = os.pipe()
            ends[fd] = ParentsEnd(reader)
        self.inputs = inputs
        wiring = Wiring(inputs, self.given, frozenset(inputs.values()), Ends(ends, together=False, sent=sent))
        self.folder, self.limit = folder, limit
        self.child = HeardChild(wiring, lambda: Spool(folder, 1 << 20), self._warden, min(64, limit))
        self.child.started(NOBODY)

    def _warden(self) -> Warden:
        def broken(_: str, words: str) -> RecordError:
            error = OutputLimitExceeded(words, command="", place="", next_step="")
            self.errors.append(error)
            return error

        self.wardens.append(Warden(Limits(output=self.limit), None, broken))
        return self.wardens[-1]

    def is_more(self) -> bool:
        return bool(self.wardens)

    def say(self, fd: int, data: bytes) -> None:
        os.write(self.given[fd], data)
        self.child.step()

    def hang_up(self) -> None:
        for fd in self.given.values():
            os.close(fd)
        self.given.clear()
        self.child.step()

    def end(self, status: int = 3 << 8) -> Script:
        self.child.reaped(status, was_gone=True)
        self.child.finish()
        told, brief = self.child.script(), self.child.brief()
        if brief is not None:
            assert brief_fields_of(*brief, encode) == fields_of(told, encode)
        return told

    def close(self) -> None:
        for fd in (*self.given.values(), *self.inputs.values()):
            os.close(fd)
        for ear in self.child.ears.values():
            ear.close()


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    made = Heard(tmp_path)
    yield made
    made.close()


def test_words_and_an_end_are_a_list(heard: Heard) -> None:
    heard.say(1, b"one ")
    heard.say(1, b"two")
    heard.say(2, b"three")
    assert [b"".join(ear.parts) for ear in heard.child.ears.values()] == [b"one two", b"three"]
    heard.hang_up()
    told = heard.end()
    assert [(type(one), one.fd, one.data.bytes()) for one in told.steps if isinstance(one, Output)] == [
        (Output, 1, b"one two"),
        (Output, 2, b"three"),
    ]
    assert (told.end.exit_code, told.captured, told.merged, told.has_input) == (
        3,
        frozenset({1, 2}),
        False,
        True,
    )
    assert not heard.is_more()
    assert heard.child.brief() == ({1: b"one two", 2: b"three"}, told.end)


@pytest.mark.parametrize("status", [0, 255 << 8, 9, 6 | 0x80])
def test_what_is_brief_says_the_same_of_every_end(heard: Heard, status: int) -> None:
    heard.say(2, b"\xff\n")
    heard.hang_up()
    told = heard.end(status)
    assert heard.child.brief() == ({1: b"", 2: b"\xff\n"}, told.end)


def test_what_is_brief_says_why_it_was_not_started(heard: Heard) -> None:
    heard.child.failed(SpawnError(errno="ENOENT"))
    brief = heard.child.brief()
    assert brief is not None
    assert brief_fields_of(*brief, encode) == fields_of(heard.child.script(), encode)
    assert brief[1].error == SpawnError(errno="ENOENT")


def test_nothing_is_brief_that_has_more_to_say(heard: Heard, tmp_path: Path) -> None:
    assert heard.child.brief() is None
    heard.child.wait_expired(10**9)
    heard.hang_up()
    heard.end()
    assert heard.child.brief() is None
    sent = Heard(tmp_path, sent=b"")
    os.close(sent.to)
    sent.child.has_sent(b"")
    sent.hang_up()
    sent.end()
    assert sent.child.brief() is None
    sent.close()


def test_what_it_is_sent_comes_first(tmp_path: Path) -> None:
    heard = Heard(tmp_path, sent=b"input")
    os.write(heard.to, b"input")
    os.close(heard.to)
    heard.child.has_sent(b"input")
    assert os.read(heard.inputs[0], 100) == b"input"
    heard.say(1, b"output")
    os.close(heard.inputs.pop(0))
    heard.hang_up()
    told = heard.end()
    assert [type(one) for one in told.steps] == [Input, InputEnd, Output]
    assert not heard.is_more()
    heard.close()


def test_what_it_has_not_read_is_no_input(tmp_path: Path) -> None:
    heard = Heard(tmp_path, sent=b"input")
    os.write(heard.to, b"input")
    os.close(heard.to)
    heard.child.has_sent(b"input")
    assert os.read(heard.inputs[0], 2) == b"in"
    os.close(heard.inputs.pop(0))
    heard.hang_up()
    told = heard.end()
    assert told.stream(0) == b"in"
    assert not any(isinstance(one, InputEnd) for one in told.steps)
    heard.close()


def test_a_signal_comes_behind_what_was_said_before_it(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeardChild, "gone", lambda _: False)
    heard.say(1, b"before")
    os.write(heard.given[1], b", unheard")
    with heard.child.being_signalled(15):
        pass
    heard.say(1, b"after")
    heard.hang_up()
    told = heard.end()
    assert [one.data.bytes() if isinstance(one, Output) else type(one) for one in told.steps][:3] == [
        b"before, unheard",
        Signal,
        b"after",
    ]
    assert heard.is_more()


def test_a_wait_that_expires(heard: Heard) -> None:
    heard.say(1, b"before")
    heard.child.wait_expired(10**9)
    heard.hang_up()
    assert [type(one) for one in heard.end().steps] == [Output, Timeout]


def test_somebody_holds_its_outputs(heard: Heard) -> None:
    heard.child.reaped(0, was_gone=True)
    heard.say(1, b"late")
    heard.hang_up()
    heard.child.finish()
    told = heard.child.script()
    assert [type(one) for one in told.steps][:2] == [Ended, Output]


def test_much_goes_where_there_is_room(heard: Heard) -> None:
    heard.say(1, b"a" * 60)
    assert not heard.is_more()
    heard.say(1, b"b" * 60)
    assert heard.is_more()
    heard.hang_up()
    assert heard.end().stream(1) == b"a" * 60 + b"b" * 60


def test_a_limit_holds_from_the_first_byte(tmp_path: Path) -> None:
    heard = Heard(tmp_path, limit=10)
    heard.say(1, b"a" * 8)
    heard.say(1, b"b" * 8)
    assert len(heard.errors) == 1
    heard.hang_up()
    assert heard.end().stream(1) == b"a" * 8 + b"b" * 2
    heard.close()


def test_it_can_be_looked_at_while_it_runs(heard: Heard) -> None:
    heard.say(1, b"so far")
    assert heard.child.is_running
    assert heard.child.script().stream(1) == b"so far"
    assert heard.child.script().end.status is None


def test_a_handler_that_asks_in_the_middle_turns_nothing_around(heard: Heard) -> None:
    ear = heard.child.ears[1]
    said = heard.child.said

    def asking(fd: int, data: bytes) -> bytes:
        os.write(heard.given[1], b"second")
        heard.child.step()
        ear.listener = heard.child
        return said(fd, data)

    ear.listener = type(
        "Asking", (), {"said": staticmethod(asking), "fell_silent": heard.child.fell_silent}
    )()
    heard.say(1, b"first ")
    assert b"".join(ear.parts) == b"first second"


def test_whoever_steps_meanwhile_leaves_the_end_to_be_seen(heard: Heard) -> None:
    ears = heard.child.ears
    thread = threading.Thread(target=heard.hang_up)
    thread.start()
    thread.join()
    assert all(ear.ended and os.read(ear.fileno(), 1) == b"" for ear in ears.values())
