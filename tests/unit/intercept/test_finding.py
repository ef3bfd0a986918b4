"""Who is asked where a tool is: the session for a bare name, else the machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_proctape import intercept

from .answering import Answers

NOWHERE = "/recorded/bin/tool"


@pytest.fixture
def session() -> Iterator[Answers]:
    """One that knows a tool."""
    answers = Answers(tools={"tool": NOWHERE})
    intercept.install()
    try:
        with intercept.bound(answers):
            yield answers
    finally:
        intercept.uninstall()


def test_a_bare_name(session: Answers) -> None:
    assert shutil.which("tool") == NOWHERE
    assert shutil.which("sh") is None
    session.closed = True
    assert shutil.which("tool") is None
    assert shutil.which("sh") is not None


@pytest.mark.usefixtures("session")
def test_what_is_looked_at_where_it_is(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.touch(mode=0o755)
    assert shutil.which(str(tool)) == str(tool)
    assert shutil.which(b"tool", path=str(tmp_path)) == os.fsencode(tool)
    assert shutil.which("tool", os.F_OK | os.R_OK, str(tmp_path)) == str(tool)


def test_without_a_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    intercept.install()
    try:
        assert shutil.which("sh") is None
    finally:
        intercept.uninstall()
