"""Ctrl-C while a tape is put in place, and while it is taken away.

The body of a block, or of a test, has its own: :mod:`.test_interrupted`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Literal

import pytest

from pytest_proctape import use_tape
from tests.leftovers import of_the_package
from tests.options.conftest import project, real_processes
from tests.options.project import PLUGIN, Project
from tests.parity.at_line import EACH, AtLine, everything, interrupt
from tests.parity.clock.harness import SOAK
from tests.parity.harness import deadline

__all__ = ["project", "real_processes"]

Mode = Literal["record", "replay"]

_FILES = frozenset({"active.py", "item_tape.py", "life.py", "quiet.py", "run.py", "intercept/door.py"})


def _spawn() -> None:
    done = subprocess.run(["sh", "-c", "cat; echo err >&2"], input=b"x", capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"x", b"err\n")


def _run(tape: Path, mode: Mode, at_line: AtLine, *, clock: bool) -> str:
    try:
        with at_line.in_place(), use_tape(tape, mode=mode, clock=clock), at_line.apart():
            _spawn()
    except KeyboardInterrupt:
        return "interrupted"
    return "whole"


def _assert_as_before(before: dict[str, object], where: str) -> None:
    assert {**everything(before), **of_the_package()} == before, where


@pytest.mark.parametrize("clock", [False, True], ids=["", "clock"])
@pytest.mark.parametrize("mode", ["replay", "record"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_around_a_block(tmp_path: Path, mode: Mode, clock: bool) -> None:
    whole, tape = tmp_path / "whole.json", tmp_path / "tape.json"
    with use_tape(whole, mode="record", clock=clock):
        _spawn()
    path = whole if mode == "replay" else tape
    for counting in (AtLine(0, interrupt, once=True), AtLine(0, interrupt, once=True)):
        assert _run(path, mode, counting, clock=clock) == "whole"
        tape.unlink(missing_ok=True)
    before = {**everything(), **of_the_package()}
    for number in range(1, counting.lines + 1):
        at_line = AtLine(number, interrupt, once=True)
        with deadline(f"line {number}", 60):
            ended = _run(path, mode, at_line, clock=clock)
            _assert_as_before(before, at_line.where)
            if tape.exists() and ended != "whole":
                # The last thing it does is to put it there, whole.
                with use_tape(tape, mode="replay", clock=clock):
                    _spawn()
            tape.unlink(missing_ok=True)
            with use_tape(whole, mode="replay", clock=clock):
                _spawn()


TESTS = """
    import subprocess
    import pytest

    @pytest.fixture(scope="module")
    def tool():
        assert subprocess.run(["true"]).returncode == 0
        yield
        assert subprocess.run(["true"]).returncode == 0

    @pytest.fixture
    def made(tool):
        assert subprocess.run(["echo", "up"], capture_output=True).stdout == b"up\\n"
        yield
        assert subprocess.run(["echo", "down"], capture_output=True).stdout == b"down\\n"

    @pytest.mark.tape(clock=CLOCK)
    def test_one(made):
        assert subprocess.run(["echo", "one"], capture_output=True).stdout == b"one\\n"

    def test_quiet(tmp_path):
        pass
"""


@pytest.mark.parametrize("clock", [False, True], ids=["", "clock"])
@pytest.mark.parametrize("mode", ["replay", "record"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_around_the_phases_of_a_test(project: Project, mode: Mode, clock: bool) -> None:
    # A run of pytest takes its time.
    each = EACH if SOAK else 3 * EACH
    project.write(TESTS.replace("CLOCK", str(clock)))
    project.ini("tapes_auto = true")

    def run(at_line: AtLine) -> object:
        options = ["--record-tapes"] if mode == "record" else []
        try:
            with at_line.in_place():
                return project.pytester.inline_run(*PLUGIN, "--rootdir=.", "-q", *options).ret
        except KeyboardInterrupt:
            return pytest.ExitCode.INTERRUPTED

    project.pytester.runpytest_inprocess(*PLUGIN, "--rootdir=.", "-q", "--record-tapes")
    whole = {name: (project.path / "tapes" / name).read_bytes() for name in project.tapes()}
    for counting in (AtLine(0, interrupt, once=True, files=_FILES, each=each),) * 2:
        assert run(counting) == 0
    before = {**everything(), **of_the_package()}
    for number in range(1, counting.lines + 1):
        at_line = AtLine(number, interrupt, once=True, files=_FILES, each=each)
        with deadline(f"line {number}", 60):
            assert run(at_line) in {0, 2}, at_line.where
            _assert_as_before(before, at_line.where)
            kept = [name for name in project.tapes() if not name.endswith(".failed")]
            assert {name: (project.path / "tapes" / name).read_bytes() for name in kept} == whole
