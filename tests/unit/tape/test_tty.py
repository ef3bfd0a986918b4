"""The settings of a terminal in words, and back."""

from __future__ import annotations

import os
import pty
import termios
import tty as stdlib_tty
from collections.abc import Iterator

import pytest

from pytest_proctape.child.console import set_to, settings_of
from pytest_proctape.tape.tty import Terminal, changed, check, size_text, words_between


@pytest.fixture
def slave() -> Iterator[int]:
    master, slave = pty.openpty()
    yield slave
    os.close(master)
    os.close(slave)


def test_what_a_raw_terminal_is(slave: int) -> None:
    before = settings_of(slave)
    stdlib_tty.setraw(slave)
    words = words_between(before, settings_of(slave)).split()
    assert {"-icanon", "-echo", "-isig", "-opost", "-icrnl"} <= set(words)
    assert changed(before, " ".join(words)) == settings_of(slave)


def test_nothing_has_changed(slave: int) -> None:
    assert words_between(settings_of(slave), settings_of(slave)) == ""


def _edited(before: Terminal) -> Terminal:
    codes = list(before.codes)
    codes[termios.VINTR], codes[termios.VMIN], codes[termios.VERASE] = 24, 3, ord("x")
    numbers = list(before.numbers)
    numbers[2] = numbers[2] & ~termios.CSIZE | termios.CS7
    return Terminal(tuple(numbers), tuple(codes), (40, 100, 0, 7))


def test_characters_sizes_and_what_has_no_name(slave: int) -> None:
    before = settings_of(slave)
    after = _edited(before)
    words = words_between(before, after)
    assert "min 3" in words
    assert "intr ^X" in words
    assert "erase 120" in words
    assert "rows 40 columns 100 ypixel 7" in words
    assert changed(before, words) == after
    assert changed(after, words_between(after, before)) == before


def test_a_terminal_is_set_as_another_one(slave: int) -> None:
    codes = list(settings_of(slave).codes)
    codes[termios.VINTR] = 24
    wanted = settings_of(slave).but(codes=tuple(codes), size=(40, 100, 0, 0))
    set_to(slave, wanted)
    assert settings_of(slave) == wanted


def test_a_size_in_words() -> None:
    assert size_text((24, 80, 0, 0)) == "rows 24 columns 80"
    assert size_text((0, 0, 0, 0)) == ""


@pytest.mark.parametrize("words", ["-echo", "min 1 time 0", "intr ^C rows 1", "cflag 4096", "ospeed 15", ""])
def test_what_are_settings(words: str) -> None:
    check(words)


@pytest.mark.parametrize(
    "words", ["loud", "-min 1", "rows", "rows many", "rows 65536", "intr 256", "intr ^é", "min -1", "rows ²"]
)
def test_what_are_none(words: str) -> None:
    with pytest.raises(ValueError, match=r"setting"):
        check(words)


def test_a_size_is_nothing_else() -> None:
    check("rows 24 columns 80", size_only=True)
    with pytest.raises(ValueError, match="more than a size"):
        check("-echo rows 24", size_only=True)
    with pytest.raises(ValueError, match="more than a size"):
        check("echo", size_only=True)
