"""The events of ``--tapes-log``: each step of a child has one."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from pytest_proctape.session.events import Eventful
from pytest_proctape.tape import Content, End, FileEffect, Script, SpawnError, script

EVENTS: list[tuple[script.Step, dict[str, Any]]] = [
    (script.OutputEnd(1), {"event": "close", "fd": "stdout"}),
    (script.OutputEnd(7), {"event": "close", "fd": "7"}),
    (script.InputEnd(), {"event": "close", "fd": "stdin"}),
    (script.Signal(int(signal.SIGTERM)), {"event": "signal", "signal": "SIGTERM"}),
    (script.Change(0xFFFF), {"event": "change", "status": 0xFFFF}),
    (script.TerminalSeen("-echo"), {"event": "terminal", "by": "child", "settings": "-echo"}),
    (script.TerminalSet("rows 40"), {"event": "terminal", "by": "test", "settings": "rows 40"}),
    (script.Timeout(5), {"event": "timeout", "timeout_ns": 5}),
    (script.Ended(), {"event": "ended"}),
]


def as_it_is(data: bytes) -> bytes:
    return data


def events_of(*steps: script.Step) -> list[dict[str, Any]]:
    heard = Script(steps, End(0, duration_ns=3))
    return [*Eventful(as_it_is).of_child(object(), heard, "")]


@pytest.mark.parametrize("step, told", EVENTS, ids=lambda one: type(one).__name__)
def test_a_step_has_an_event(step: script.Step, told: dict[str, Any]) -> None:
    end = {"event": "end", "tape_ns": 3, "end": "exited", "exit_code": 0}
    assert events_of(step) == [{**told, "tape_ns": 0}, end]


def test_what_is_large_is_told_by_the_hash_of_it_as_it_is() -> None:
    data = Content.of(b"x" * (1 << 21))
    heard = Script((script.Output(1, data),), End(0))
    told, _ = Eventful(lambda _: b"<tmp>").of_child(object(), heard, "")
    assert told == {
        "event": "output",
        "fd": "stdout",
        "size": 1 << 21,
        "sha256": data.sha256,
        "tape_ns": 0,
    }


def test_a_link_tells_where_it_leads() -> None:
    (told, _) = events_of(script.Effects((FileEffect("/a/b", "link", target="c"),)))
    assert told == {"event": "effect", "path": "/a/b", "became": "link", "target": "c", "tape_ns": 0}


def test_what_could_not_be_started_has_an_end_alone() -> None:
    told = Eventful(as_it_is).of_child(SpawnError(errno="ENOENT"), None, "")
    assert [*told] == [{"event": "end", "end": "spawn failed", "errno": "ENOENT", "tape_ns": 0}]
