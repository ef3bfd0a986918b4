"""The setting `wasi`: modules run in the place of programs, in every mode, and are on no tape."""

from __future__ import annotations

import importlib.util
import json
import os
from typing import Any

import pytest

from tests import toolchain
from tests.options.project import ON_WORKERS, Project, counted, one_error

pytest.importorskip("wasmtime")

MODES = ("", "--record-tapes", "--record-tapes=missing", "--record-tapes=new", "--live-tapes")


@pytest.fixture
def tools(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a toolchain of all the modules, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.path / "cache"))
    project.ini("tapes_wasi = toolchain")
    for name in toolchain.TOOLS:
        toolchain.put(project.path / "toolchain", name)
    return project


@pytest.mark.parametrize("mode", MODES)
def test_a_module_runs_in_the_place_of_its_program_in_every_mode(tools: Project, mode: str) -> None:
    tools.write(
        """
        import subprocess

        def test_it(tape):
            done = subprocess.run(["fail"], capture_output=True)
            assert (done.returncode, done.stdout, done.stderr) == (7, b"hello\\n", b"bad\\n")
            done = subprocess.run(["/usr/bin/cat"], input=b"\\xff\\0", capture_output=True)
            assert done.stdout == b"\\xff\\0"
            assert [spawn.virtual for spawn in tape.spawns] == [True, True]
            assert [child.status for child in tape.children] == ["exited", "exited"]
            assert tape.children[0].stderr == b"bad\\n"
            assert tape.spawns[1].stdin == b"\\xff\\0"
        """
    )
    result = tools.run(*mode.split())
    result.assert_outcomes(passed=1)
    assert tools.real == []
    assert tools.tapes() == []
    assert counted(result) == "tests: 1 virtual; spawns: 2 virtual"


def test_programs_without_a_module_go_to_the_tape(tools: Project) -> None:
    tools.write(
        """
        import subprocess

        def test_it(tape):
            assert subprocess.check_output(["echo", "taped"]) == b"taped\\n"
            assert subprocess.check_output(["hello"]) == b"hello\\n"
            assert subprocess.check_output(["sh", "-c", "echo taped, too"]) == b"taped, too\\n"
        """
    )
    assert counted(tools.record()) == "tests: 1 recorded; spawns: 1 virtual, 2 real"
    assert tools.commands() == ["echo taped", "sh -c echo taped, too"]
    assert counted(tools.replay()) == "tests: 1 replayed; spawns: 2 replayed, 1 virtual"
    tools.run("--verify-tapes").assert_outcomes(passed=1)


def test_what_the_test_says_comes_before_the_module(tools: Project) -> None:
    tools.write(
        """
        import subprocess

        def test_it(tape):
            tape.add(["hello"], stdout="said\\n", times=1)
            assert subprocess.check_output(["hello"]) == b"said\\n"
            assert subprocess.check_output(["hello"]) == b"hello\\n"
        """
    )
    tools.record()
    tools.replay()


def test_a_module_comes_before_the_list_of_live_commands(tools: Project) -> None:
    tools.ini("tapes_wasi = toolchain", "tapes_live = cat", "  sh")
    tools.write(
        """
        import subprocess

        def test_it(tape):
            assert subprocess.check_output(["cat", "no-such-file"], input=b"module") == b"module"
            assert subprocess.check_output(["sh", "-c", "echo host"]) == b"host\\n"
        """
    )
    tools.record()
    assert counted(tools.run()) == "tests: 1 virtual; spawns: 1 virtual"


def test_what_goes_wrong_in_an_event_loop_fails_the_test(tools: Project) -> None:
    tools.write(
        """
        import asyncio

        async def in_loop():
            process = await asyncio.create_subprocess_exec("trap")
            await process.wait()

        def test_it(tape):
            asyncio.run(in_loop())
        """
    )
    told = one_error(tools.run())
    assert "trap.wasm went wrong: wasm `unreachable` instruction executed" in told


def test_the_files_of_modules_are_no_effects_of_others(tools: Project) -> None:
    tools.ini("tapes_wasi = toolchain", "tapes_effects = true")
    tools.write(
        """
        import subprocess

        def test_it(tape, tmp_path):
            subprocess.run(["writefile"], cwd=tmp_path, check=True)
            subprocess.run(["cp", "made.txt", "copy.txt"], cwd=tmp_path, check=True)
            subprocess.run(["writefile"], cwd=tmp_path, check=True)
            assert (tmp_path / "copy.txt").read_bytes() == b"hello\\n"
        """
    )
    tools.record()
    (entry,) = tools.entries()
    assert [effect["path"] for effect in entry["effects"]] == ["<tmp>", "<tmp>/copy.txt"]
    tools.replay()


def test_one_that_still_runs_when_its_test_ends_is_told(tools: Project) -> None:
    tools.write(
        """
        import subprocess

        def test_it(tape):
            global child
            child = subprocess.Popen(["upper"], stdin=subprocess.PIPE)
        """
    )
    result = tools.run_apart("-W", "ignore")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines("still running when test_it.py::test_it ended: `upper`*")


def test_arguments_environment_and_directory(tools: Project) -> None:
    tools.write(
        """
        import os, pathlib, subprocess

        def test_it(tape, tmp_path):
            output = subprocess.check_output
            assert output(["args", "", "t\\xe4\\udcff"]) == b"args\\0\\0t\\xc3\\xa4\\xff\\0"
            assert output(["renamed"], executable="args") == b"renamed\\0"
            assert output(["env"], env={"ONE": "1", "TWO": "a=b"}) == b"ONE=1\\0TWO=a=b\\0"
            (tmp_path / "hello.txt").write_bytes(b"\\xffcontent")
            assert subprocess.check_output(["readfile"], cwd=tmp_path) == b"\\xffcontent"
            done = subprocess.run(["writefile"], cwd=tmp_path, capture_output=True)
            assert (done.returncode, done.stderr) == (0, b"bad\\n")
            assert (tmp_path / "made.txt").read_bytes() == b"hello\\n"
            assert not pathlib.Path("made.txt").exists()
            try:
                subprocess.run(["hello"], cwd=tmp_path / "missing")
            except FileNotFoundError as error:
                assert error.filename == tmp_path / "missing"
            else:
                assert False
        """
    )
    tools.record()
    tools.replay()


def test_randomness_is_the_same_each_time_and_differs_between_spawns(tools: Project) -> None:
    tools.write(
        """
        import pathlib, subprocess

        def test_it(tape):
            one, other = subprocess.check_output(["random"]), subprocess.check_output(["random"])
            assert one != other and len(set(one)) > 20
            with pathlib.Path("seen").open("a") as seen:
                seen.write(f"{one.hex()} {other.hex()}\\n")
        """
    )
    tools.record()
    tools.replay()
    tools.run("--live-tapes").assert_outcomes(passed=1)
    assert len(set((tools.path / "seen").read_text().splitlines())) == 1


DAY = """
    import asyncio, datetime, struct, subprocess, time
    import pytest

    DAY_S = 86400

    def seconds(output):
        return [ns / 1e9 for ns in struct.unpack(f"<{len(output) // 8}Q", output)]

    async def in_loop():
        process = await asyncio.create_subprocess_exec("day", stdout=subprocess.PIPE)
        return (await process.communicate())[0]

    async def given_up():
        process = await asyncio.create_subprocess_exec("day", stdout=subprocess.PIPE)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), 60)
        process.kill()
        return await process.wait()
"""
CLOCKED = """
    def test_it(tape, {fixture}):
        {enter}
            began = time.time(), time.monotonic()
            output = {call}
            assert seconds(output) == [began[0], began[0] + DAY_S]
            assert (time.time(), time.monotonic()) == (began[0] + DAY_S, began[1] + DAY_S)
"""
CALLS = {
    "run": "subprocess.run(['day'], stdout=subprocess.PIPE).stdout",
    "timeout": "subprocess.run(['day'], stdout=subprocess.PIPE, timeout=2 * DAY_S).stdout",
    "read": "subprocess.Popen(['day'], stdout=subprocess.PIPE).stdout.read()",
    "asyncio": "asyncio.run(in_loop())",
}
CLOCKS = {
    "tape_clock": ("tape_clock", "if True:"),
    "freezegun": ("request", "with __import__('freezegun').freeze_time('2031-02-03 04:05:06'):"),
}


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("call", CALLS)
def test_under_a_mock_clock_a_tool_that_sleeps_a_day_moves_it_a_day(
    tools: Project, call: str, clock: str
) -> None:
    fixture, enter = CLOCKS[clock]
    tools.ini("tapes_wasi = toolchain", "filterwarnings = ignore::ResourceWarning")
    tools.write(DAY + CLOCKED.format(fixture=fixture, enter=enter, call=CALLS[call]))
    for options in ([], ["--record-tapes"], ["--live-tapes"]):
        tools.run(*options).assert_outcomes(passed=1)


def test_under_a_mock_clock_what_comes_first_comes_first(tools: Project) -> None:
    tools.write(
        DAY
        + """
    def test_it(tape, tape_clock, tmp_path):
        began = time.time()
        with subprocess.Popen(["late"], cwd=tmp_path) as child:
            time.sleep(60)
            assert child.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(60)
            child.terminate()
            assert child.wait() == -15
        assert time.time() == began + 120
        time.sleep(DAY_S)
        assert list(tmp_path.iterdir()) == []
        with subprocess.Popen(["late"], cwd=tmp_path) as child:
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(DAY_S - 1)
            assert list(tmp_path.iterdir()) == []
            child.wait(1)
        assert [path.name for path in tmp_path.iterdir()] == ["made.txt"]
        assert asyncio.run(given_up()) == -9
        assert time.time() == began + 120 + 2 * DAY_S + 60
    """
    )
    tools.replay()


def test_without_a_mock_clock_a_sleep_counts_and_takes_no_time(tools: Project) -> None:
    tools.write(
        DAY
        + """
    def test_it(tape):
        assert seconds(subprocess.check_output(["day"])) == [946684800, 946684800 + DAY_S]
        assert tape.spawns[0].duration_s == DAY_S
        assert seconds(subprocess.check_output(["clock"]))[0] == 946684800 + DAY_S
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(["day"], timeout=60)
        assert tape.spawns[2].returncode == -9
        assert subprocess.run(["day"], timeout=DAY_S + 1).returncode == 0
        assert asyncio.run(given_up()) == -9
        assert seconds(asyncio.run(in_loop()))[1] % 1 == 0
    """
    )
    tools.record()
    tools.replay()


def test_what_a_module_may_compute_is_limited(tools: Project) -> None:
    tools.ini("tapes_wasi = toolchain", "tapes_spawn_timeout = 0.01")
    tools.write(
        """
        import subprocess
        import pytest_proctape, pytest

        def test_it(tape):
            with pytest.raises(pytest_proctape.SpawnTimeout):
                subprocess.run(["spin"], stdout=subprocess.DEVNULL)
        """
    )
    told = one_error(tools.run())
    assert "SpawnTimeout: `spin` timed out after 10 ms (tapes_spawn_timeout in " in told
    assert "instructions" in told


def test_output_is_limited(tools: Project) -> None:
    tools.ini("tapes_wasi = toolchain", "tapes_max_output = 1M")
    tools.write(
        """
        import subprocess

        def test_it(tape):
            subprocess.run(["yes"], stdout=subprocess.PIPE)
        """
    )
    assert "`yes` wrote more than 1,048,576 bytes (tapes_max_output)" in one_error(tools.run())


WRONG: dict[str, tuple[str | bytes, str, str]] = {
    "trap": (
        toolchain.TOOLS["trap"],
        "went wrong: wasm `unreachable` instruction executed",
        "run it by itself",
    ),
    "library": (toolchain.NO_START, "has no _start: it is a library, and no command", "wasm32-wasip1"),
    "memory": (toolchain.NO_MEMORY, "has no memory to talk through: it exports none", "wasm32-wasip1"),
    "foreign": (toolchain.FOREIGN, "is no module of WASI preview 1: it imports env.abort", "wasm32-wasip1"),
    "unknown": (
        toolchain.FOREIGN.replace('"env"', '"wasi_snapshot_preview1"'),
        "can't be run: ",
        "run it by itself",
    ),
    "text": (b"#!/bin/sh\n", "is no WebAssembly module: it does not begin like one", "wasm32-wasip1"),
    "broken": (b"\0asm\1\0\0\0\xff", "is no WebAssembly module: ", "wasm32-wasip1"),
    "component": (b"\0asm\x0d\0\1\0", "is a component", "wasm32-wasip1"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_module_that_can_not_be_run_fails_the_test_that_swallows_it(tools: Project, kind: str) -> None:
    text, problem, next_step = WRONG[kind]
    if isinstance(text, str):
        path = toolchain.put(tools.path / "toolchain", "wrong", text)
    else:
        path = tools.path / "toolchain" / "wrong.wasm"
        path.write_bytes(text)
    tools.write(
        """
        import subprocess

        def test_it(tape):
            try:
                subprocess.run(["wrong"])
            except Exception:
                pass
        """
    )
    for options in ([], ["--record-tapes"]):
        told = one_error(tools.run(*options))
        assert f"pytest_proctape.errors.WasiError: {path} {problem}" in told
        assert "started at test_it.py:5 in test_it()" in told
        assert next_step in told


@pytest.mark.parametrize("problem", ["a directory", "a dead link", "a link out", "no permission"])
def test_a_file_that_can_not_be_read_is_an_error(tools: Project, problem: str) -> None:
    path = tools.path / "toolchain" / "wrong.wasm"
    if problem == "a directory":
        path.mkdir()
    elif problem == "a dead link":
        path.symlink_to("missing.wasm")
    elif problem == "a link out":
        path.symlink_to(toolchain.put(tools.path / "elsewhere", "hello"))
    else:
        toolchain.put(tools.path / "toolchain", "hello").rename(path)
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
    tools.write("import subprocess\n\ndef test_it(tape):\n    subprocess.run(['wrong'])\n")
    told = one_error(tools.run())
    assert str(path) in told
    assert ("leads out of the toolchain" if problem == "a link out" else "can't be read") in told


def test_a_link_within_the_toolchain_is_followed(tools: Project) -> None:
    (tools.path / "toolchain" / "hi.wasm").symlink_to("hello.wasm")
    tools.write(
        "import subprocess\n\ndef test_it(tape):\n    assert subprocess.run(['hi']).returncode == 0\n"
    )
    tools.replay()


@pytest.mark.parametrize(
    "name", ["../elsewhere/hello", "..", ".", "toolchain/../elsewhere/hello/", "hello\\0"]
)
def test_a_name_does_not_lead_out_of_the_toolchain(tools: Project, name: str) -> None:
    toolchain.put(tools.path / "elsewhere", "only-there", toolchain.TOOLS["hello"])
    tools.write(
        f"""
        import subprocess
        import pytest

        def test_it(tape):
            for name in ("{name}".replace("hello", "only-there"), "../elsewhere/only-there.wasm"):
                with pytest.raises((FileNotFoundError, PermissionError, NotADirectoryError, ValueError)):
                    subprocess.run([name])
        """
    )
    result = tools.record()
    assert "virtual" not in counted(result)


def test_the_report_counts_modules_apart(tools: Project) -> None:
    tools.write(
        """
        import subprocess

        def test_it(tape):
            subprocess.run(["hello"])
            subprocess.run(["true"])
        """
    )
    tools.record("--tapes-report=report.json")
    report: dict[str, Any] = json.loads((tools.path / "report.json").read_bytes())
    assert report["tapes"][0]["spawns"] == {"replayed": 0, "virtual": 1, "real": 1}
    assert report["totals"]["spawns"] == {"replayed": 0, "virtual": 1, "real": 1}


def test_two_runs_give_the_same_log(tools: Project) -> None:
    tools.write(
        """
        import subprocess

        def test_it(tape):
            subprocess.run(["cat"], input=b"asked", stdout=subprocess.PIPE)
            subprocess.run(["fail"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        """
    )
    logs = []
    for name in ("one", "other"):
        tools.replay(f"--tapes-log={name}")
        logs.append((tools.path / name).read_bytes())
    assert logs[0] == logs[1]
    assert b"asked" in logs[0]
    assert b"bad\\n" in logs[0]


def test_modules_are_compiled_once(tools: Project) -> None:
    tools.write("import subprocess\n\ndef test_it(tape):\n    subprocess.run(['hello'])\n")
    cache = tools.path / "cache" / "pytest-proctape" / "wasi"
    tools.run_apart().assert_outcomes(passed=1)
    (kept,) = cache.iterdir()
    before = kept.stat()
    tools.run_apart().assert_outcomes(passed=1)
    after = kept.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert [path.name for path in cache.iterdir()] == [kept.name]


def test_a_module_that_was_changed_is_run_as_it_is_now(tools: Project) -> None:
    tools.write("import subprocess\n\ndef test_it(tape):\n    print(subprocess.check_output(['tool']))\n")
    toolchain.put(tools.path / "toolchain", "tool", toolchain.TOOLS["hello"])
    tools.run("-s").stdout.fnmatch_lines("*hello*")
    toolchain.put(tools.path / "toolchain", "tool", toolchain.TOOLS["args"])
    tools.run("-s").stdout.fnmatch_lines("*tool*x00*")


def test_on_workers(tools: Project) -> None:
    pytest.importorskip("xdist")
    tools.write(
        """
        import subprocess
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(tape, number):
            assert subprocess.check_output(["args", str(number)]) == f"args\\0{number}\\0".encode()
        """
    )
    result = tools.run_apart(*ON_WORKERS)
    result.assert_outcomes(passed=8)
    assert counted(result) == "tests: 8 virtual; spawns: 8 virtual"


def test_blocks_and_fixtures_of_wider_scope(tools: Project) -> None:
    tools.ini("tapes_wasi = toolchain", "tapes_auto = true")
    tools.write(
        """
        import subprocess
        import pytest
        from pytest_proctape import use_tape

        AT_IMPORT = subprocess.check_output(["hello"])

        @pytest.fixture(scope="module")
        def said():
            return subprocess.check_output(["hello"])

        def test_it(said):
            assert said == AT_IMPORT == b"hello\\n"
            with use_tape("block.json"):
                assert subprocess.check_output(["hello"]) == b"hello\\n"
        """
    )
    tools.replay()


def test_without_the_directory(project: Project) -> None:
    project.ini("tapes_wasi = missing")
    project.write("def test_it(): pass\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(f"*tapes_wasi: there is no directory {project.path}/missing*")


def test_without_wasmtime(tools: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "pytest_proctape.config.find_spec", lambda name: None if name == "wasmtime" else real(name)
    )
    tools.write("def test_it(): pass\n")
    result = tools.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("*pip install pytest-proctape[[]wasi[]]*")


def test_without_the_setting_wasmtime_is_not_imported(project: Project) -> None:
    project.write(
        """
        import subprocess, sys

        def test_it(tape):
            subprocess.run(["true"])
            assert "wasmtime" not in sys.modules and "pytest_proctape.wasi" not in sys.modules
        """
    )
    project.run_apart("--record-tapes").assert_outcomes(passed=1)
