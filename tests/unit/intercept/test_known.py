"""A CPython that has moved what the package stands in for is refused, and told by name."""

from __future__ import annotations

import subprocess
import types
from typing import Any

import pytest

from pytest_proctape.errors import UnsupportedSpawn
from pytest_proctape.intercept import install, known, patches, timing


def test_what_there_is() -> None:
    assert known.part(subprocess.Popen, "wait") is subprocess.Popen.wait


@pytest.mark.parametrize(
    "where, name",
    [(subprocess.Popen, "subprocess.Popen._gone"), (subprocess, "subprocess._gone")],
    ids=["a method", "a function"],
)
def test_what_is_gone(where: Any, name: str) -> None:
    with pytest.raises(UnsupportedSpawn, match=r"is missing in CPython \d.*--live-tapes") as caught:
        known.part(where, "_gone")
    assert caught.value.road == name


@pytest.mark.parametrize(
    "signature, taken",
    [("($module, a, b,\n          c, /)", 3), ("(a, b, /)", 2), (None, None)],
    ids=["of a module", "plain", "untold"],
)
def test_how_many_it_takes(signature: str | None, taken: int | None) -> None:
    module = types.SimpleNamespace(
        __name__="module", call=types.SimpleNamespace(__text_signature__=signature)
    )
    for count in (1, 2, 3):
        if taken in (None, count):
            assert known.taking(module, "call", count) is module.call
        else:
            with pytest.raises(UnsupportedSpawn, match=rf"takes {taken} arguments instead of {count}"):
                known.taking(module, "call", count)


def test_installing_says_it_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = subprocess.Popen._wait  # type: ignore[attr-defined]
    asked = [*timing.replacements(), (subprocess, "_gone", None)]
    monkeypatch.setattr(timing, "replacements", lambda: asked)
    with pytest.raises(UnsupportedSpawn, match=r"subprocess\._gone"):
        install()
    assert subprocess.Popen._wait is before  # type: ignore[attr-defined]
    assert patches._users == []
