"""--live-tapes: real processes, and no tape is read or written."""

from __future__ import annotations

import pytest

from tests.options.project import Project, counted

ONE = r"""
    import subprocess

    def test_it(tape):
        assert tape.mode == "live"
        done = subprocess.run(["echo", "one"], capture_output=True, text=True)
        assert done.stdout == "one\n"
        assert [(spawn.args, spawn.replayed) for spawn in tape.spawns] == [(["one"], False)]
        assert tape.entries == ()
"""


def test_live_starts_real_processes_and_writes_nothing(project: Project) -> None:
    project.write(ONE)
    result = project.run("--live-tapes")
    result.assert_outcomes(passed=1)
    assert not (project.path / "tapes").exists()
    assert counted(result) == "tests: 1 live; spawns: 1 real"


def test_live_looks_at_no_tape(project: Project) -> None:
    tape = project.write_tape({"program": "echo", "args": ["other"]})
    project.write(ONE)
    project.run("--live-tapes").assert_outcomes(passed=1)
    tape.write_bytes(b"{ not JSON")
    project.run("--live-tapes").assert_outcomes(passed=1)
    assert tape.read_bytes() == b"{ not JSON"


def test_live_leaves_every_road_alone(project: Project) -> None:
    project.write(
        r"""
        import os, subprocess, sys, asyncio
        import pytest

        def test_system(tape):
            assert os.system("exit 3") == 3 << 8

        def test_posix_spawn(tape):
            pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 4"], os.environ)
            assert os.waitpid(pid, 0) == (pid, 4 << 8)

        def test_spawnv(tape):
            assert os.spawnvp(os.P_WAIT, "sh", ["sh", "-c", "exit 5"]) == 5

        def test_fork_and_exec(tape):
            pid = os.fork()
            if not pid:
                os.execv("/bin/sh", ["sh", "-c", "exit 6"])
            assert os.waitpid(pid, 0) == (pid, 6 << 8)

        def test_asyncio(tape):
            async def main():
                process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
                return await process.communicate(b"hello")
            assert asyncio.run(main()) == (b"hello", None)

        def test_missing_program(tape):
            with pytest.raises(FileNotFoundError):
                subprocess.run(["no-such-program-at-all"])
        """
    )
    project.run_apart("--live-tapes").assert_outcomes(passed=6)


def test_a_failing_test_fails_and_leaves_no_attempt(project: Project) -> None:
    project.write(ONE)
    project.edit('"one\\n"', '"two\\n"')
    result = project.run("--live-tapes")
    result.assert_outcomes(failed=1)
    assert not (project.path / "tapes").exists()


@pytest.mark.parametrize("where", ["marker", "ini"])
def test_live_can_be_a_tests_own_mode(project: Project, where: str) -> None:
    project.write(ONE)
    if where == "ini":
        project.ini("tapes_mode = live")
    else:
        project.edit("def test_it", "import pytest\n\n@pytest.mark.tape(mode='live')\ndef test_it")
    project.run().assert_outcomes(passed=1)
    assert len(project.real) == 1


FORKED = """
    import contextlib
    import os
    import pytest

    @pytest.mark.tape
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_it():
        with contextlib.suppress(Exception):
            pid = os.fork()
            if pid == 0:
                if os.fork() == 0:
                    os.execlp("true", "true")
                os.wait()
                os._exit(0)
            os.waitpid(pid, 0)
"""


def test_what_no_tape_can_hold_runs_live(project: Project) -> None:
    project.write(FORKED)
    project.run("--live-tapes").assert_outcomes(passed=1)
    for flag in ("--record-tapes", "--replay-tapes"):
        result = project.run(flag)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*UnsupportedSpawn: os.exec: made in a forked process*"])


WORKER = """
    import multiprocessing
    import subprocess
    import pytest

    @pytest.mark.tape
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_it():
        worker = multiprocessing.get_context("fork").Process(target=subprocess.run, args=(["true"],))
        worker.start()
        worker.join()
        assert worker.exitcode == 0
"""


def test_a_worker_that_starts_a_command_is_refused_and_told_how_its_test_runs(project: Project) -> None:
    project.write(WORKER)
    project.run("--record-tapes").assert_outcomes(passed=1)
    result = project.run("--replay-tapes")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*made in a forked process; *", '*@pytest.mark.tape(mode="live")*'])
    project.edit("@pytest.mark.tape\n", '@pytest.mark.tape(mode="live")\n')
    project.run().assert_outcomes(passed=1)
