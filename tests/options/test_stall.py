"""A test that reads for ever what its child will never write is told so, and does not hang."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_proctape.child import stall
from tests.options.project import Project
from tests.parity.harness import HANG_S, deadline

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs Linux's /proc")

TEST = """
    import contextlib, os, subprocess, threading
    import pytest

    def ask(child):
        child.stdin.write(b"question\\n")
        child.stdin.flush()
        READ

    @pytest.mark.tape
    def test_it():
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ask(child)
        with contextlib.suppress(Exception):
            child.communicate()
        child.wait()
"""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stall, "LIMIT_NS", 1)
    with deadline("the test", HANG_S):
        yield


@pytest.mark.parametrize(
    "read",
    [
        "child.stdout.readline()",
        "os.read(child.stdout.fileno(), 100)",
        "child.stdout.read1()",
        "thread = threading.Thread(target=child.stdout.readline); thread.start(); thread.join()",
    ],
)
def test_the_question_is_not_asked_any_more(project: Project, read: str) -> None:
    project.write(TEST.replace("READ", read))
    project.record()
    project.replay()
    project.edit('child.stdin.write(b"question\\n")', "pass")
    told = project.replay(failed=1).stdout.str()
    assert "the child waits for something that the test does not do" in told
    assert r"stdin  tape: 'question\n'" in told
    assert "record this test again" in told
