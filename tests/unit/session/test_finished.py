"""Which entries need no child that plays."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_proctape.child import Streams
from pytest_proctape.session.finished import said_at_once
from pytest_proctape.tape import Entry, Event

_BOTH = Streams((1, 2))
_MS = 1_000_000


def said(
    entry: Entry, streams: Streams = _BOTH, sent: bytes | None = None, limit_ns: int | None = None
) -> tuple[bytes | None, bytes | None] | None:
    return said_at_once(entry, streams, sent, limit_ns, lambda data: data.replace(b"<tmp>", b"/tmp/x"))


def entry(**fields: Any) -> Entry:
    return Entry(program="a", **fields)


@pytest.mark.parametrize(
    "taped, streams, outputs",
    [
        (entry(), _BOTH, (b"", b"")),
        (entry(stdout=("a\n", "\xe4"), stderr="b"), _BOTH, ("a\n\xe4".encode(), b"b")),
        (entry(stdout="a", stderr=None), Streams((1,), (2,)), (b"a", None)),
        (entry(stdout="a", stderr="b"), Streams((1,), (2,)), (b"a", None)),
        (entry(stdout="a", stderr=None, stderr_to_stdout=True), Streams((1,), together=True), (b"a", None)),
        (entry(stdout="<a>"), _BOTH, (b"<a>", b"")),
        (entry(exit_code=3, note="n", cwd="/"), Streams(()), (None, None)),
    ],
)
def test_what_is_said_word_for_word(taped: Entry, streams: Streams, outputs: object) -> None:
    assert said(taped, streams) == outputs


@pytest.mark.parametrize(
    "taped, streams",
    [
        (entry(stdout="a"), Streams((2,))),
        (entry(stderr="a"), Streams((1,))),
        (entry(stdout=None), _BOTH),
        (entry(stderr=None), _BOTH),
        (entry(stdout="<tmp>/a"), _BOTH),
        (entry(stdout={"base64": "/w=="}), _BOTH),
        (entry(), Streams((1,), together=True)),
        (entry(stderr_to_stdout=True, stderr=None), _BOTH),
        (entry(signal="SIGKILL"), _BOTH),
        (entry(running=True), _BOTH),
        (entry(timeline=(Event(stdout="a"),)), _BOTH),
        (entry(spawn_error={"errno": "ENOENT"}), _BOTH),
        (entry(timed_out="2 s"), _BOTH),
        (entry(fds={3: "a"}), _BOTH),
    ],
)
def test_what_has_to_be_played(taped: Entry, streams: Streams) -> None:
    assert said(taped, streams) is None


@pytest.mark.parametrize(
    "stdin, sent, is_awaited",
    [
        (None, None, True),
        (None, b"", True),
        (None, b"a", False),
        ("", b"", True),
        ("", None, False),
        ("a", b"a", True),
        (("a\n", "b"), b"a\nb", True),
        ("a", b"ab", False),
        ("<tmp>", b"<tmp>", False),
        ({"any": True}, b"a", False),
    ],
)
def test_input_has_to_be_what_the_tape_has(stdin: Any, sent: bytes | None, is_awaited: bool) -> None:
    assert (said(entry(stdin=stdin), sent=sent) is not None) is is_awaited


def test_a_limit_that_may_expire() -> None:
    assert said(entry(duration_ms=5), limit_ns=5 * _MS) is not None
    assert said(entry(duration_ms=5), limit_ns=5 * _MS - 1) is None
