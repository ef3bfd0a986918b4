"""On replay no road leads to a real process: what is not replayed is refused, and fails the test."""

from __future__ import annotations

import re

import pytest

from tests.options.project import Project, summary

HEAD = r"""
import os, pathlib, pty, subprocess, sys, threading, types
import asyncio
from asyncio import create_subprocess_exec
from os import execv, execvp, execve, fork, popen, posix_spawn, spawnvp, system
from subprocess import Popen, check_output, getoutput, run
import pytest
from pytest_proctape import UnsupportedSpawn

PROOF = pathlib.Path("proof").absolute()
SH = ["sh", "-c", f"echo real > '{PROOF}'"]

# Bound before any tape is active, and where no patch finds them.
early = types.SimpleNamespace(system=os.system, posix_spawn=os.posix_spawn, posix_spawnp=os.posix_spawnp)

class Mine(Popen):
    pass

async def exec_():
    process = await create_subprocess_exec("echo", "x", stdout=-1)
    return (await process.communicate())[0]

def refused(function, *args):
    with pytest.raises(UnsupportedSpawn) as caught:
        function(*args)
    return caught.value.road

def in_fork(function, *args):
    pid = fork()
    if not pid:
        try:
            function(*args)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

"""

REFUSED = {
    "system": 'assert refused(early.system, SH[2]) == "os.system"',
    "posix_spawn": 'assert refused(early.posix_spawn, "/bin/sh", SH, os.environ) == "os.posix_spawn"',
    "posix_spawnp": 'assert refused(early.posix_spawnp, "sh", SH, os.environ) == "os.posix_spawn"',
    "execv": 'assert refused(execv, "/bin/sh", SH) == "os.exec"',
    "execvp": 'assert refused(execvp, "sh", SH) == "os.exec"',
    "execve": 'assert refused(execve, "/bin/sh", SH, os.environ) == "os.exec"',
    "os.execv": 'assert refused(os.execv, "/bin/sh", SH) == "os.exec"',
    "fork and exec": 'assert in_fork(execv, "/bin/sh", SH) == 127',
    "fork and os.exec": 'assert in_fork(os.execvp, "sh", SH) == 127',
    "fork and system": "assert in_fork(early.system, SH[2]) == 127",
    "fork and posix_spawn": 'assert in_fork(early.posix_spawn, "/bin/sh", SH, os.environ) == 127',
    "pty.spawn": "assert os.waitstatus_to_exitcode(pty.spawn(SH)) == 127",
    "a thread": (
        "thread = threading.Thread(target=refused, args=(early.system, SH[2])); thread.start(); thread.join()"
    ),
}


def run_all(project: Project, bodies: dict[str, str]) -> tuple[pytest.RunResult, dict[str, str]]:
    """A module with a taped test for each body, run at once; the outcome of each."""
    tests = [f"def test_{number}(tape):\n    {body}\n" for number, body in enumerate(bodies.values())]
    project.write(HEAD + "\n" + "\n".join(tests))
    result = project.run_apart("-rA", "-W", "ignore::DeprecationWarning")
    words = [line.split() for line in result.outlines if line[:1].isupper() and " test_it.py::test_" in line]
    found = {line[1].rpartition("_")[2]: line[0] for line in words}
    return result, {name: found.get(str(number), "") for number, name in enumerate(bodies)}


def test_a_road_that_cannot_be_replayed_is_refused_and_fails_the_test(project: Project) -> None:
    bodies = {
        name: f"{body}\n    assert not PROOF.exists()\n    print('behind it')"
        for name, body in REFUSED.items()
    }
    result, outcomes = run_all(project, bodies)
    assert outcomes == dict.fromkeys(REFUSED, "FAILED")
    # What a copy of the process asks for is answered from its tape, and there is none.
    told = re.compile(r"E +pytest_proctape.errors.(UnsupportedSpawn|TapeNotFound): ")
    errors = [line for line in result.outlines if told.match(line)]
    assert len(errors) == len(REFUSED)
    assert result.outlines.count("behind it") == len(REFUSED)
    assert not (project.path / "proof").exists()


def test_a_refusal_that_is_swallowed_fails_the_test(project: Project) -> None:
    calls = (
        "early.system(SH[2])",
        'os.execv("/bin/sh", SH)',
        'early.posix_spawn("/bin/sh", SH, os.environ)',
        "pty.spawn(SH)",
    )
    bodies = {call: f"try: {call}\n    except Exception: pass" for call in calls}
    _, outcomes = run_all(project, bodies)
    assert outcomes == dict.fromkeys(calls, "FAILED")
    assert not (project.path / "proof").exists()


@pytest.mark.parametrize("where", ["setup", "teardown"])
def test_a_refusal_outside_the_call_fails_the_test(project: Project, where: str) -> None:
    parts = {"setup": "pass", "teardown": "pass", where: "refused(early.system, SH[2])"}
    project.write(
        HEAD
        + f"""
@pytest.fixture
def ready(tape):
    {parts["setup"]}
    yield
    {parts["teardown"]}

def test_it(ready):
    pass
"""
    )
    result = project.run_apart()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["E *UnsupportedSpawn: *"])
    assert not (project.path / "proof").exists()


EARLY = {
    "Popen": 'assert Popen(["echo", "x"], stdout=-1).communicate() == (b"tape", None)',
    "run": 'assert run(["echo", "x"], capture_output=True).stdout == b"tape"',
    "a subclass": 'assert Mine(["echo", "x"], stdout=-1).communicate() == (b"tape", None)',
    "check_output": 'assert check_output(["echo", "x"]) == b"tape"',
    "asyncio": "assert asyncio.run(exec_()) == b'tape'",
    "spawnvp": 'assert spawnvp(os.P_WAIT, "echo", ["echo", "x"]) == 3',
    "getoutput": 'assert getoutput("echo x") == "tape"',
    "os.popen": 'file = popen("echo x"); assert (file.read(), file.close()) == ("tape", 3 << 8)',
    "system": 'assert system("echo x") == 3 << 8',
    "posix_spawn": 'assert os.waitpid(posix_spawn("/bin/echo", ["echo", "x"], {}), 0)[1] == 3 << 8',
}


def test_names_bound_early_are_replayed(project: Project) -> None:
    echo: dict[str, object] = {"program": "echo", "args": ["x"], "stdout": "tape"}
    shell = echo | {"program": "/bin/sh", "args": ["-c", "echo x"], "exit_code": 3}
    entries = {
        "spawnvp": echo | {"exit_code": 3},
        "getoutput": shell,
        "os.popen": shell,
        "system": shell | {"argv0": "sh"},
        "posix_spawn": echo | {"program": "/bin/echo", "argv0": "echo", "exit_code": 3},
    }
    for number, name in enumerate(EARLY):
        project.write_tape(entries.get(name, echo), test=f"test_{number}")
    _, outcomes = run_all(project, EARLY)
    assert outcomes == dict.fromkeys(EARLY, "PASSED")


ODD_MODULES = """
    import importlib.util, subprocess, sys, types

    class Slots:
        __slots__ = ()

    class Angry(types.ModuleType):
        def __getattribute__(self, name):
            raise RuntimeError(f"nobody may ask for {name}")

    sys.modules["odd_none"] = None
    sys.modules["odd_object"] = Slots()
    sys.modules["odd_angry"] = Angry("odd_angry")
    sys.modules["odd_text"] = "text"

    def test_it(tape):
        assert subprocess.run(["echo", "x"], capture_output=True).stdout == b"x\\n"
"""


@pytest.mark.parametrize("flag", ["--record-tapes", "--live-tapes"])
def test_odd_things_among_the_modules_are_left_alone(project: Project, flag: str) -> None:
    project.write(ODD_MODULES)
    project.run_apart(flag).assert_outcomes(passed=1)


# -- multiprocessing ---------------------------------------------------------------------------

WORKERS = r"""
import multiprocessing, os, subprocess, sys, threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import pytest

def square(number):
    return number * number

def put(queue, value):
    queue.put(value * 2)

CONTEXTS = ["fork", "spawn", "forkserver"]

@pytest.mark.parametrize("method", CONTEXTS)
def test_process(tape, method):
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    process = context.Process(target=put, args=(queue, 21))
    process.start()
    assert queue.get() == 42
    process.join()
    assert process.exitcode == 0

@pytest.mark.parametrize("method", CONTEXTS)
def test_pool(tape, method):
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map(square, [1, 2, 3]) == [1, 4, 9]

@pytest.mark.parametrize("method", CONTEXTS)
def test_executor(tape, method):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert list(pool.map(square, [1, 2, 3])) == [1, 4, 9]

def test_beside_taped_spawns(tape):
    assert subprocess.run(["echo", "a"], capture_output=True).stdout == b"a\n"
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(square, 4).result() == 16
    assert subprocess.run(["echo", "b"], capture_output=True).stdout == b"b\n"
    assert [spawn.args for spawn in tape.spawns] == [["a"], ["b"]]
"""


@pytest.mark.parametrize("flag", ["--record-tapes", "--record-tapes=new", "--live-tapes"])
def test_multiprocessing_works_where_processes_may_run(project: Project, flag: str) -> None:
    project.write(WORKERS)
    project.run_apart(flag, "-W", "ignore::DeprecationWarning").assert_outcomes(passed=10)
    if flag != "--live-tapes":
        # What multiprocessing starts is the parent's own code and no tool: it is on no tape.
        assert project.tapes() == ["test_it/test_beside_taped_spawns.json"]
        assert project.commands("test_beside_taped_spawns") == ["echo a", "echo b"]


def test_multiprocessing_works_on_replay(project: Project) -> None:
    project.write_tape(
        {"program": "echo", "args": ["a"], "stdout": "a\n"},
        {"program": "echo", "args": ["b"], "stdout": "b\n"},
        test="test_beside_taped_spawns",
    )
    project.write(WORKERS)
    project.run_apart("-W", "ignore::DeprecationWarning").assert_outcomes(passed=10)


STARTING = r"""
import multiprocessing, os, subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
import pytest

PROOF = Path("started").absolute()

def by_subprocess():
    subprocess.run(["touch", str(PROOF)], check=True)

def by_a_shell():
    os.system(f"touch {PROOF}")

def by_posix_spawn():
    os.waitpid(os.posix_spawnp("touch", ["touch", str(PROOF)], os.environ), 0)

def by_spawn():
    assert os.spawnlp(os.P_WAIT, "touch", "touch", str(PROOF)) == 0

def by_exec():
    os.execlp("touch", "touch", str(PROOF))

WAYS = [by_subprocess, by_a_shell, by_posix_spawn, by_spawn, by_exec]

def quietly(way):
    try:
        way()
    except BaseException:
        pass

@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("way", WAYS)
def test_a_worker_that_hides_it(tape, method, way):
    worker = multiprocessing.get_context(method).Process(target=quietly, args=(way,))
    worker.start()
    worker.join()
    assert PROOF.exists() == (tape.mode != "replay")

@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool(tape, method):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        pool.submit(by_subprocess).result()
"""


def test_what_a_worker_starts_is_refused_by_whichever_method_it_came(project: Project) -> None:
    project.write(STARTING)
    project.run_apart("--live-tapes", "-W", "ignore::DeprecationWarning").assert_outcomes(passed=18)
    (project.path / "started").unlink()
    result = project.run_apart("-W", "ignore::DeprecationWarning")
    result.assert_outcomes(failed=18)
    assert not (project.path / "started").exists()
    said = result.stdout.str()
    assert "AssertionError" not in said
    assert said.count("UnsupportedSpawn: subprocess: made in a worker of multiprocessing; ") >= 4
    for road in ("os.system", "os.posix_spawn", "os.exec"):
        assert f"UnsupportedSpawn: {road}: made in a worker of multiprocessing; " in said


def test_what_workers_start_while_they_are_recorded_is_told(project: Project) -> None:
    project.write(
        STARTING
        + """
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_nothing(tape, method):
    subprocess.run(["echo", "one"])
    worker = multiprocessing.get_context(method).Process(target=os.getpid)
    worker.start()
    worker.join()

@pytest.mark.tape(mode="live")
def test_live():
    test_a_pool(None, "spawn")

def test_a_fork(tape):
    if not os.fork():
        quietly(by_subprocess)
        os._exit(0)
    os.wait()
"""
    )
    # A forked worker that becomes another program is refused, as ever.
    options = (
        "-v",
        "-W",
        "ignore::DeprecationWarning",
        "--deselect",
        "test_it.py::test_a_worker_that_hides_it[by_exec-fork]",
    )
    result = project.run_apart("--record-tapes", *options)
    result.assert_outcomes(passed=22, deselected=1)
    lines = summary(result)
    at = lines.index(
        "started by workers and forked processes, so on no tape, and refused on replay: "
        'let it run for real, with @pytest.mark.tape(mode="live")'
    )
    ways = ["by_subprocess", "by_a_shell", "by_posix_spawn", "by_spawn", "by_exec"]
    methods = ["fork", "spawn", "forkserver"]
    hidden = [f"test_a_worker_that_hides_it[{way}-{method}]" for way in ways for method in methods]
    hidden.remove("test_a_worker_that_hides_it[by_exec-fork]")
    expected = [*hidden, *(f"test_a_pool[{method}]" for method in methods), "test_a_fork"]
    assert sorted(lines[at + 1 :]) == sorted(f"  test_it.py::{one}" for one in expected)
    assert not any("started in C" in line for line in lines)


def test_a_worker_that_outlives_its_test_is_free_again(project: Project) -> None:
    project.write(
        """
        import multiprocessing, subprocess

        def work(number):
            return subprocess.run(["true"]).returncode

        POOL = multiprocessing.get_context("spawn").Pool

        def test_taped(tape):
            global pool
            pool = POOL(1)
            pool.map(work, [1])

        def test_taped_again(tape):
            pool.map(work, [2])

        def test_real():
            assert pool.map(work, [3]) == [0]
            pool.terminate()
        """
    )
    result = project.run_apart("-p", "no:randomly")
    result.assert_outcomes(failed=2, passed=1)
    failed = [line for line in result.outlines if line.startswith("FAILED")]
    assert len([line for line in failed if " - UnsupportedSpawn: " in line]) == 2


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_what_is_never_taped_runs_in_a_worker_too(project: Project, method: str) -> None:
    project.ini("tapes_live = touch")
    project.write(
        f"""
        import multiprocessing, os, subprocess

        def work():
            subprocess.run(["touch", "by popen"], check=True)
            os.system("touch by-a-shell")
            os.spawnlp(os.P_WAIT, "touch", "touch", "by-spawn")

        def test_it(tape):
            worker = multiprocessing.get_context({method!r}).Process(target=work)
            worker.start()
            worker.join()
            assert worker.exitcode == 0
        """
    )
    project.run_apart("-W", "ignore::DeprecationWarning").assert_outcomes(passed=1)
    assert {"by popen", "by-a-shell", "by-spawn"} <= {path.name for path in project.path.iterdir()}


FORKED = r"""
import json, multiprocessing, os, subprocess
import pytest

def work():
    try:
        subprocess.run(["echo", "in the child"], capture_output=True, check=True)
    except BaseException as error:
        print(type(error).__name__, error, flush=True)
        os._exit(7)
    os._exit(0)

def child_exits_with():
    pid = os.fork()
    if not pid:
        work()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def test_it(tape):
    before = subprocess.run(["echo", "before"], capture_output=True).stdout
    code = child_exits_with()
    after = subprocess.run(["echo", "behind"], capture_output=True).stdout
    assert (before, after) == (b"before\n", b"behind\n")
    assert [spawn.args for spawn in tape.spawns] == [["before"], ["behind"]]
    assert code == (7 if tape.mode == "replay" else 0)
"""


@pytest.mark.parametrize("flag", ["--record-tapes", "--record-tapes=new"])
def test_a_forked_child_never_writes_to_the_tape_of_its_parent(project: Project, flag: str) -> None:
    project.write(FORKED)
    project.run_apart(flag, "-W", "ignore::DeprecationWarning").assert_outcomes(passed=1)
    assert project.commands() == ["echo before", "echo behind"]


def test_a_forked_child_starts_no_process_on_replay(project: Project) -> None:
    project.write(FORKED)
    project.run_apart("--record-tapes", "-W", "ignore::DeprecationWarning").assert_outcomes(passed=1)
    result = project.run_apart("-s", "-W", "ignore::DeprecationWarning")
    result.stdout.fnmatch_lines(["*UnsupportedSpawn *forked process*"])
    assert "AssertionError" not in result.stdout.str()
    # Nobody in the parent has met the error, and it fails the parent's test all the same.
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *UnsupportedSpawn: *forked process*"])


def test_a_forked_child_that_leaves_by_an_exception_writes_no_tape(project: Project) -> None:
    project.write(
        """
        import os, subprocess
        import pytest

        def test_it(tape):
            subprocess.run(["echo", "parent"], capture_output=True)
            pid = os.fork()
            if not pid:
                # The copy goes on through pytest's own teardown, which would save the tape.
                subprocess.run(["echo", "child"], capture_output=True)
                return
            os.waitpid(pid, 0)
        """
    )
    project.run_apart("--record-tapes", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning")
    assert project.commands() == ["echo parent"]


# -- and behind the test -----------------------------------------------------------------------


def test_behind_a_replayed_test_real_processes_run_again(project: Project) -> None:
    project.write(
        HEAD
        + """
def test_replayed(tape):
    assert run(["echo", "x"], capture_output=True).stdout == b"tape"

def test_real():
    assert run(["echo", "x"], capture_output=True).stdout == b"x\\n"
    assert system("exit 3") == 3 << 8
    assert os.waitpid(posix_spawn("/bin/sh", SH, os.environ), 0)[1] == 0
    assert PROOF.exists()
    assert in_fork(execv, "/bin/sh", ["sh", "-c", "exit 5"]) == 5
"""
    )
    project.write_tape({"program": "echo", "args": ["x"], "stdout": "tape"}, test="test_replayed")
    project.run_apart("-W", "ignore::DeprecationWarning").assert_outcomes(passed=2)
