"""Random programs, bare, recorded and replayed by all roads: nothing that they see differs.

A short form runs with the tests. ``tox -e fuzz`` (PROCTAPE_FUZZ=1) runs the long one.
"""

from __future__ import annotations

import gc
import os
import random
from functools import partial
from pathlib import Path

import pytest

from tests.parity.harness import HANG_S, Hang, Parity

from .playing import play
from .programs import Program, program, smaller

PROGRAMS = int(os.environ.get("PROCTAPE_FUZZ_PROGRAMS", "0")) or (
    20_000 if os.environ.get("PROCTAPE_FUZZ") else 40
)
SEED = int(os.environ.get("PROCTAPE_FUZZ_SEED", "0"))


@pytest.fixture(autouse=True)
def _few_objects() -> None:
    """Each run looks for leaks, and so collects what the whole suite has made.

    Nothing is taken back: that would undo what the root's conftest.py does for all tests that come later.
    """
    gc.collect()
    gc.freeze()


def _differs(one: Program, base: Path) -> str:
    """What differs between the runs of a program; empty where nothing does."""
    try:
        Parity(base)(partial(play, one), hang_s=HANG_S)
    except (pytest.fail.Exception, Exception, Hang) as error:
        told = f"{type(error).__name__}: {error}"
        # CPython itself has lost something, or waits for ever.
        return "" if "the bare run left behind" in told or "the bare run did not" in told else told
    return ""


def _smallest(one: Program, told: str, base: Path) -> tuple[Program, str]:
    """A program with no part too many, and what differs."""
    for other in smaller(one):
        differs = _differs(other, base)
        if differs:
            return _smallest(other, differs, base)
    return one, told


def test_nothing_can_be_told_apart(tmp_path: Path) -> None:
    for index in range(PROGRAMS):
        one = program(random.Random(f"{SEED}/{index}"))
        told = _differs(one, tmp_path)
        if told:
            one, told = _smallest(one, told, tmp_path)
            pytest.fail(f"seed {SEED}, program {index}: {one}\n{told}")
