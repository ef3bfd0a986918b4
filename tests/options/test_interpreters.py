"""What other interpreters of the process start is refused on replay, and fails the test that hides it."""

from __future__ import annotations

import sys

import pytest

from tests.options.project import Project

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="no concurrent.interpreters before 3.14")

STARTING = r"""
import os
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor
from pathlib import Path
import subprocess
import pytest

PROOF = Path("started").absolute()
WAYS = {
    "subprocess": f"subprocess.run(['touch', '{PROOF}'], check=True)",
    "os.system": f"assert os.system('touch {PROOF}') == 0",
    "os.posix_spawn": f"os.waitpid(os.posix_spawnp('touch', ['touch', '{PROOF}'], os.environ), 0)",
}
HIDDEN = "import os, subprocess\ntry:\n    {}\nexcept BaseException:\n    pass"
OLD = interpreters.create()
WAY = WAYS["subprocess"]

def started():
    found = PROOF.exists()
    PROOF.unlink(missing_ok=True)
    return found

@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
@pytest.mark.parametrize("make", [interpreters.create, lambda: OLD], ids=["new", "old"])
def test_one_that_hides_it(tape, make, way):
    interpreter = make()
    interpreter.exec(HIDDEN.format(way))
    assert started() == (tape.mode != "replay")
    if interpreter is not OLD:
        interpreter.close()

def test_a_thread_of_one(tape):
    interpreter = interpreters.create()
    thread = interpreter.call_in_thread(exec, HIDDEN.format(WAY))
    thread.join()
    assert started() == (tape.mode != "replay")
    interpreter.close()

def test_a_pool_of_them(tape):
    with InterpreterPoolExecutor(1) as pool:
        pool.submit(subprocess.getoutput, f"touch {PROOF}").result()
    assert started()
"""

WORKING = """
import asyncio, math, subprocess
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor, ThreadPoolExecutor

def said():
    return subprocess.run(["echo", "a"], capture_output=True, text=True).stdout

def test_a_pool_beside_taped_spawns(tape):
    with InterpreterPoolExecutor(2) as pool:
        assert list(pool.map(math.sqrt, [4, 9, 16])) == [2, 3, 4]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(said).result().strip() == "a"
    assert len(tape.spawns) == 1

def test_a_loop_with_a_pool(tape):
    async def work():
        with InterpreterPoolExecutor(1) as pool:
            return await asyncio.get_running_loop().run_in_executor(pool, math.sqrt, 4)

    assert asyncio.run(work()) == 2

def test_it_is_left_as_it_is(tape):
    interpreter = interpreters.create()
    interpreter.exec("assert not [one for one in globals() if one[:2] != '__'], [*globals()]")
    interpreter.close()
"""


def test_what_one_starts_is_refused(project: Project) -> None:
    project.write(STARTING)
    for flag in ("--live-tapes", "--record-tapes"):
        project.run_apart(flag).assert_outcomes(passed=8)
    result = project.run_apart()
    result.assert_outcomes(failed=8)
    said = result.stdout.str()
    assert "AssertionError" not in said
    for road in ("subprocess", "os.system", "os.posix_spawn"):
        assert f"UnsupportedSpawn: {road}: made in another interpreter of the test's process; " in said


@pytest.mark.parametrize("flag", ["--live-tapes", "--record-tapes", "--replay-tapes"])
@pytest.mark.parametrize("clock", ["false", "true"])
def test_they_work_in_every_mode(project: Project, flag: str, clock: str) -> None:
    project.write_tape(
        {"program": "echo", "args": ["a"], "stdout": "a\n"}, test="test_a_pool_beside_taped_spawns"
    )
    project.write(WORKING)
    project.run_apart(flag, f"-otapes_clock={clock}").assert_outcomes(passed=3)


def test_one_that_outlives_its_test_is_free_again(project: Project) -> None:
    project.write(
        """
        import pytest
        from concurrent import interpreters

        LASTING = interpreters.create()
        WORK = "import subprocess; subprocess.run(['true'], check=True)"

        def test_taped(tape):
            with pytest.raises(interpreters.ExecutionFailed):
                LASTING.exec(WORK)

        def test_not_taped():
            LASTING.exec(WORK)

        @pytest.mark.tape(mode="live")
        def test_live(tape):
            LASTING.exec(WORK)
        """
    )
    project.run_apart().assert_outcomes(passed=2, failed=1)


def test_what_is_never_taped_runs_there_too(project: Project) -> None:
    project.write(
        """
        from concurrent import interpreters

        def test_it(tape):
            interpreter = interpreters.create()
            interpreter.exec("import subprocess; subprocess.run(['true', '1'], check=True)")
            interpreter.close()
        """
    )
    project.run_apart("-otapes_live=true").assert_outcomes(passed=1)


def test_one_that_can_not_be_told_is_given_no_work(project: Project) -> None:
    project.write(
        """
        import pytest
        from concurrent import interpreters
        from pytest_proctape import UnsupportedSpawn

        def test_it(tape):
            interpreter = interpreters.create()
            interpreter.exec("import sys; sys.modules['pytest_proctape.workers'] = None")
            with pytest.raises(UnsupportedSpawn, match="in an interpreter that can't be told"):
                interpreter.exec("print('at work')")
        """
    )
    result = project.run_apart("-s")
    result.assert_outcomes(failed=1)
    assert "at work" not in result.outlines
