"""A child's script between the terms of a tape and those of this machine."""

from __future__ import annotations

import pytest

from pytest_proctape.errors import UnredactableOutput
from pytest_proctape.portable import Places, rules_from
from pytest_proctape.session import crossing
from pytest_proctape.tape import Content, End, Script, script

RULES = rules_from(["uid = /[0-9a-f]{8}/"], [], [])


def played(*steps: script.Step) -> Script:
    return Script(steps, End(0))


def sent(data: bytes) -> script.Input:
    return script.Input(Content.of(data))


def said(data: bytes, fd: int = 1) -> script.Output:
    return script.Output(fd, Content.of(data))


def told(result: Script) -> list[tuple[str, bytes]]:
    return [
        (type(step).__name__, step.data.bytes())
        for step in result.steps
        if isinstance(step, script.Input | script.Output)
    ]


def places() -> Places:
    found = Places({"root": "/srv/repo"}, RULES)
    found.secrets.learn({"MY_TOKEN": "tok-123456"})
    return found


def test_a_stream_is_looked_at_as_a_whole() -> None:
    result = crossing.to_tape(
        played(
            sent(b"in /srv"),
            said(b"out /srv/re"),
            said(b"err tok-", 2),
            sent(b"/repo\n"),
            said(b"po\n"),
            said(b"123456\n", 2),
        ),
        places(),
    )
    assert told(result) == [
        ("Input", b"in "),
        ("Output", b"out <root>"),
        ("Output", b"err <redacted:MY_TOKEN>"),
        ("Input", b"<root>\n"),
        ("Output", b"\n"),
        ("Output", b"\n"),
    ]


def test_a_piece_of_which_nothing_is_left_goes() -> None:
    result = crossing.to_tape(
        played(said(b"/srv/"), sent(b"x"), said(b"re"), sent(b"y"), said(b"po")), places()
    )
    assert told(result) == [("Output", b"<root>"), ("Input", b"x"), ("Input", b"y")]


def test_steps_that_move_nothing_stay() -> None:
    steps = (script.Signal(15), script.InputEnd(), said(b""))
    assert crossing.to_tape(played(*steps), places()).steps == steps
    assert crossing.from_tape(played(*steps), places()).steps == steps


def test_the_way_back() -> None:
    result = crossing.from_tape(played(sent(b"in <root>\n"), said(b"<=root> <root>\n")), places())
    assert told(result) == [("Input", b"in /srv/repo\n"), ("Output", b"<root> /srv/repo\n")]
    assert isinstance(result.steps[0], script.Input)
    assert result.steps[0].open is None


@pytest.mark.parametrize("pieces", [(b"x" * 99 + b"tok-1", b"23456"), (b"x" * 200 + b"tok-123456",)])
def test_a_secret_in_more_than_can_be_rewritten(
    monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(crossing, "SCAN_LIMIT", 64)
    taped = played(*(said(piece) for piece in pieces))
    with pytest.raises(UnredactableOutput) as caught:
        crossing.to_tape(taped, places())
    assert caught.value.limit == 64
    assert "tapes_keep_unscanned" in str(caught.value)
    allowed = Places(rules=rules_from([], [], [], keep_unscanned=True))
    assert crossing.to_tape(taped, allowed) == taped
    clean = played(said(b"/srv/repo" * 20))
    assert crossing.to_tape(clean, places()) == clean
    assert crossing.from_tape(played(said(b"<root>" * 20)), places()) == played(said(b"<root>" * 20))


def awaited(data: bytes, here: Places, *, last: bool = True) -> script.OpenInput:
    behind = () if last else (sent(b"more"),)
    step = crossing.from_tape(played(sent(data), *behind), here).steps[0]
    assert isinstance(step, script.Input)
    assert step.open is not None
    return step.open


@pytest.mark.parametrize(
    "got, ended, used",
    [
        (b"", False, None),
        (b"lo", False, None),
        (b"login ", False, None),
        (b"login x\n", False, None),
        (b"login x\nquit\n", False, 13),
        (b"login x\nquit\n", True, 13),
        (b"login \nquit\n", True, 12),
        (b"login x\ny\nquit\n", False, 15),
    ],
)
def test_input_with_a_secret_takes_any(got: bytes, ended: bool, used: int | None) -> None:
    assert awaited(b"login <redacted>\nquit\n", places()).met(got, ended=ended) == used


@pytest.mark.parametrize("got, ended", [(b"logout", False), (b"login x\n", True), (b"", True)])
def test_input_with_a_secret_that_is_something_else(got: bytes, ended: bool) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the bytes are all it says
        awaited(b"login <redacted>\nquit\n", places()).met(got, ended=ended)


def test_a_secret_that_comes_last_ends_with_the_input() -> None:
    expected = awaited(b"login <redacted>", places())
    assert expected.met(b"login x", ended=False) is None
    assert expected.met(b"login xyz", ended=True) == 9


def test_in_a_dialog_what_comes_behind_is_left() -> None:
    expected = awaited(b"<redacted>\n", places(), last=False)
    assert expected.met(b"x", ended=False) is None
    assert expected.met(b"x\nmore", ended=False) == 2


def test_a_name_in_the_input_is_bound() -> None:
    here = places()
    crossing.load_names(here, {"uid:1": "00000001"})
    taped = played(sent(b"say <uid:1>\n"), said(b"<uid:1>\n"))
    result = crossing.from_tape(taped, here)
    assert told(result)[1] == ("Output", b"00000001\n")
    step = result.steps[0]
    assert isinstance(step, script.Input)
    assert step.open is not None
    assert step.open.met(b"say abcdef00\n", ended=False) == 13
    assert told(crossing.from_tape(taped, here))[1] == ("Output", b"abcdef00\n")
    assert step.open.met(b"say abcdef00\n", ended=False) == 13
    assert step.open.met(b"say abc", ended=False) is None
    with pytest.raises(ValueError):  # noqa: PT011  # the bytes are all it says
        step.open.met(b"say abcdef01\n", ended=False)


def test_names_on_the_tape() -> None:
    here = places()
    assert crossing.names_on_tape(here) is None
    here.capturing = True
    here.conceal(b"00000002 00000001")
    assert crossing.names_on_tape(here) == {"uid:1": "00000002", "uid:2": "00000001"}
