"""What the short road looks at before it is taken; tests/parity/test_short_road.py takes it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape import intercept
from pytest_proctape.intercept import asking, short, ways


@pytest.fixture
def installed() -> Iterator[None]:
    intercept.install()
    yield
    intercept.uninstall()


def test_it_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(short.replacements()) == 2
    monkeypatch.setattr(short, "OPEN", False)
    assert short.replacements() == []


def test_another_cpython_goes_the_general_road(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "_VERSIONS", ())
    assert short.replacements() == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["wait", "poll", "_execute_child", "_communicate"])
def test_what_somebody_replaces_is_noticed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert ways.are_intact()
    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, name, print)
        assert not ways.are_intact()
    assert ways.are_intact()


@pytest.mark.parametrize(
    "args, shell, argv",
    [
        (["a", Path("b")], False, ["a", "b"]),
        (("a",), False, ["a"]),
        ("a b", False, ["a b"]),
        ("a b", True, ["/bin/sh", "-c", "a b"]),
        ([], False, None),
        (["a", b"b"], False, None),
        (["a", 1], False, None),
        (["\xe4"], False, None),
        (["a\0"], False, None),
        (Path("a"), False, None),
    ],
)
def test_words(args: Any, shell: bool, argv: list[str] | None) -> None:
    assert asking.words_of(args, shell=shell) == argv


@pytest.mark.parametrize(
    "options, text",
    [
        ({}, (None, "strict")),
        ({"encoding": "UTF-8"}, ("UTF-8", "strict")),
        ({"encoding": "latin-1", "errors": "replace"}, ("latin-1", "replace")),
        ({"encoding": "utf-16"}, None),
        ({"encoding": "utf-8", "errors": "surrogatepass"}, None),
        ({"text": True, "universal_newlines": True}, None),
    ],
)
def test_text(options: dict[str, Any], text: object) -> None:
    form = asking.form_of(options)
    assert (form and (form.encoding, form.errors)) == text


def test_commands_that_are_asked_for_alike_have_one_form() -> None:
    one, other, bare = (
        asking.request_of((argv,), options, captures=True)
        for argv, options in ((["a"], {"text": True}), (["b", "c"], {"text": True}), (["b", "c"], {}))
    )
    assert one is not None
    assert other is not None
    assert bare is not None
    assert one.form is other.form is not bare.form
    assert (one.argv, other.argv) == (("a",), ("b", "c"))
    assert (one.form.encoding, bare.form.encoding) == ("", None)
    # What makes no form makes none for the next command either.
    assert [asking.request_of(([argv],), {"bufsize": 0}) for argv in ("a", "b")] == [None, None]


@pytest.mark.parametrize(
    "timeout, limit_ns",
    [(1, 10**9), (0.25, 250_000_000), (0, 0), (-1, 0), ("1", 0), (1e9, 0)],
)
def test_a_timeout_that_is_not_plain_is_zero(timeout: Any, limit_ns: int) -> None:
    assert short._limit_ns(timeout) == limit_ns
