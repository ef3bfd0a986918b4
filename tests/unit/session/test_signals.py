"""Signals to processes that are no children: what a recording keeps of them, and what a replay answers."""

from __future__ import annotations

from errno import EPERM, ESRCH
from signal import SIGKILL, SIGTERM

import pytest

from pytest_proctape.session.signals import RecordedSignals, SentSignals, are_alike
from pytest_proctape.tape import SentSignal

PID, OTHER = 4711, 815


def recorded(*sent: tuple[int, int, int]) -> tuple[SentSignal, ...] | None:
    """The tape of these: pid, signal and error of each."""
    signals = SentSignals()
    for pid, number, error in sent:
        signals.add(pid, number, group=False, error=error)
    return signals.on_tape


def test_the_same_answer_to_the_same_question_is_no_news() -> None:
    tape = recorded(
        (PID, 0, 0), (PID, 0, 0), (PID, SIGTERM, 0), (PID, 0, 0), (PID, 0, ESRCH), (PID, 0, ESRCH)
    )
    assert tape == (
        SentSignal(pid=PID),
        SentSignal(pid=PID, signal="SIGTERM"),
        SentSignal(pid=PID),
        SentSignal(pid=PID, error="ESRCH"),
    )


def test_a_process_that_was_never_there_is_not_on_the_tape() -> None:
    assert recorded((PID, 0, ESRCH), (PID, SIGTERM, ESRCH)) is None


def test_a_daemon_that_is_asked_for_until_it_has_gone() -> None:
    signals = RecordedSignals(recorded((PID, 0, 0), (PID, SIGTERM, 0), (PID, 0, 0), (PID, 0, ESRCH)))
    asked = [0, 0, SIGTERM, 0, 0, 0, SIGKILL]
    errors = [signals.send(PID, number, group=False) for number in asked]
    assert errors == [0, 0, 0, 0, ESRCH, ESRCH, ESRCH]


def test_asked_less_often_than_recorded() -> None:
    signals = RecordedSignals(recorded((PID, 0, 0), (PID, SIGTERM, 0), (PID, SIGKILL, EPERM)))
    assert signals.send(PID, SIGKILL, group=False) == EPERM


def test_a_group_is_no_process_of_that_number() -> None:
    signals = RecordedSignals([SentSignal(pid=PID, group=True)])
    assert signals.knows(PID, group=True)
    assert not signals.knows(PID, group=False)
    assert signals.send(PID, 0, group=True) == 0
    assert signals.send(PID, 0, group=False) == ESRCH


def test_what_the_tape_does_not_know_is_not_there() -> None:
    assert RecordedSignals(None).send(1, SIGKILL, group=False) == ESRCH


@pytest.mark.parametrize(
    "sent, alike",
    [
        (((OTHER, 0, 0), (OTHER, SIGTERM, 0)), True),
        (((OTHER, 0, 0), (OTHER, SIGKILL, 0)), False),
        (((OTHER, 0, 0), (PID, SIGTERM, 0)), False),
        (((OTHER, 0, 0),), False),
        ((), False),
    ],
)
def test_numbers_are_others_in_every_run(sent: tuple[tuple[int, int, int], ...], alike: bool) -> None:
    assert are_alike(recorded((PID, 0, 0), (PID, SIGTERM, 0)), recorded(*sent)) is alike
