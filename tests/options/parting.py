"""Tests that part from their tape, as sources: for test_latch.py, test_leftover.py and test_xfail.py."""

from __future__ import annotations

HEAD = r"""
import asyncio, concurrent.futures, contextlib, subprocess, threading, unittest
import pytest

def say(word):
    return subprocess.run(["echo", word], capture_output=True, text=True).stdout
"""

DIVERGENCE: tuple[dict[str, object], ...] = ({"program": "echo", "args": ["tape"], "stdout": "tape\n"},)
"""A tape on which the test asks for something else: `say("tape")` and not `say("test")`."""

EXHAUSTION: tuple[dict[str, object], ...] = ()
"""A tape on which every spawn is one too many."""


def in_test(body: str, head: str = "def test_it(tape):") -> str:
    """A module with one test; ``body`` is indented by eight columns."""
    return HEAD + "\n" + head + body.replace("\n    ", "\n")


FIXTURE = r"""
@pytest.fixture
def ready(tape):
    SETUP
    yield
    TEARDOWN
"""

QUIET = 'try: say("test")\n    except Exception: pass'


def with_fixture(setup: str = "pass", teardown: str = "pass", test: str = "pass") -> str:
    """A module with one test and its fixture; a line for each part of its life."""
    fixture = FIXTURE.replace("SETUP", setup).replace("TEARDOWN", teardown)
    return HEAD + fixture + f"\ndef test_it(ready):\n    {test}\n"
