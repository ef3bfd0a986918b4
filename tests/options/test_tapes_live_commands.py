"""The setting `live`: commands that are never taped are real in every mode, by every road."""

from __future__ import annotations

import shutil

import pytest

from tests.options.project import Project, counted

HEAD = r"""
    import asyncio, os, pathlib, shlex, subprocess, sys, types
    import pytest

    early = types.SimpleNamespace(system=os.system, posix_spawn=os.posix_spawn, execv=os.execv)
    COUNT = pathlib.Path("count").absolute()
    MARK = ["./mark", str(COUNT)]

    async def in_loop(mark):
        process = await asyncio.create_subprocess_exec(*mark)
        return await process.wait()

    def in_fork(mark):
        pid = os.fork()
        if not pid:
            try:
                early.execv(mark[0], mark)
            finally:
                os._exit(99)
        return os.waitpid(pid, 0)[1]

    def taped():
        assert subprocess.check_output(["echo", "taped"]) == b"taped\n"
"""
ROADS = {
    "subprocess": "subprocess.run(MARK).returncode",
    "timeout": "subprocess.run(MARK, timeout=600).returncode",
    "shell": "subprocess.run(shlex.join(['mark', str(COUNT)]), shell=True, env={'PATH': '.'}).returncode",
    "os_system": "os.system(shlex.join(MARK))",
    "os_spawnv": "os.spawnv(os.P_WAIT, MARK[0], MARK)",
    "os_posix_spawn": "os.waitpid(os.posix_spawn(MARK[0], MARK, os.environ), 0)[1]",
    "early_posix_spawn": "os.waitpid(early.posix_spawn(MARK[0], MARK, os.environ), 0)[1]",
    "early_os_system": "early.system(shlex.join(MARK))",
    "asyncio": "asyncio.run(in_loop(MARK))",
    "fork_and_exec": "in_fork(MARK)",
}


@pytest.fixture
def marking(project: Project) -> Project:
    """The project with a command that leaves a trace."""
    project.write('#!/bin/sh\necho x >> "$1"\n', "mark").chmod(0o755)
    return project


def test_a_live_command_is_real_in_every_mode(marking: Project) -> None:
    marking.ini("tapes_live =", "  mark", "filterwarnings = ignore::DeprecationWarning")
    tests = [
        f"""
    def test_{name}(tape):
        COUNT = pathlib.Path("count/{name}").absolute()
        MARK = ["./mark", str(COUNT)]
        taped()
        assert {road} == 0
"""
        for name, road in ROADS.items()
    ]
    marking.write(HEAD + "".join(tests))
    count = marking.path / "count"
    for options in (["--record-tapes"], [], ["--record-tapes=new"], ["--live-tapes"]):
        count.mkdir()
        marking.run_apart(*options).assert_outcomes(passed=len(ROADS))
        assert {path.name: path.read_text() for path in count.iterdir()} == dict.fromkeys(ROADS, "x\n"), (
            options
        )
        shutil.rmtree(count)
    for name in ROADS:
        assert marking.commands(f"test_{name}") == ["echo taped"]


def test_a_live_command_is_not_counted(marking: Project) -> None:
    marking.ini("tapes_live = mark")
    marking.write(
        f"{HEAD}\n    def test_it(tape):\n        subprocess.run(MARK)\n        assert not tape.spawns\n"
    )
    assert counted(marking.run("--record-tapes")) == ""
    assert counted(marking.run()) == ""


def test_the_marker_says_it_for_one_test(marking: Project) -> None:
    marking.write(
        f"""{HEAD}
    @pytest.mark.tape(live=["mark *"])
    def test_it():
        taped()
        assert subprocess.run(MARK).returncode == 0

    @pytest.mark.tape
    def test_other():
        with pytest.raises(Exception):
            subprocess.run(MARK)
    """
    )
    marking.run("--record-tapes", "-k", "not other").assert_outcomes(passed=1, deselected=1)
    marking.run().assert_outcomes(passed=1, failed=1)
    assert (marking.path / "count").read_text() == "x\n" * 2


def test_a_live_child_among_replayed_ones_is_given_its_time(project: Project) -> None:
    project.ini("tapes_live = sh -c 'read *'")
    project.write(
        r"""
        import asyncio, os

        async def both():
            # The live child ends when it is told to, and not before the replayed one has been seen.
            live = await asyncio.create_subprocess_exec("sh", "-c", "read line; exit 3", stdin=-1)
            taped = await asyncio.create_subprocess_exec("echo", "taped", stdout=-1)
            assert (await taped.communicate())[0] == b"taped\n"
            live.stdin.write(b"now\n")
            return await asyncio.wait_for(live.wait(), 600)

        def test_it(tape):
            assert asyncio.run(both()) == 3
            assert len(tape.spawns) == 1
        """
    )
    project.record(passed=1)
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "lines",
    [
        ("tapes_live = 'docker",),
        ("tapes_live =", "  docker", '  "'),
    ],
)
def test_a_pattern_that_is_none_is_one_readable_error(project: Project, lines: tuple[str, ...]) -> None:
    project.ini(*lines)
    project.write("def test_it(): pass")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "tapes_live" in "\n".join([*result.errlines, *result.outlines])


def test_the_markers_patterns_are_checked(project: Project) -> None:
    project.write("import pytest\n\n@pytest.mark.tape(live='docker')\ndef test_it(): pass\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "is a list of strings, not 'docker'" in "\n".join([*result.errlines, *result.outlines])
