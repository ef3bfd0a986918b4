"""A run without tapes pays nothing: neither pydantic nor freezegun is imported, nothing is patched."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import pytest_proctape
from tests.options.project import Project

LIBRARIES = (
    "pydantic",
    "freezegun",
    # From 3.14 on pdb imports it, and pytest imports pdb.
    *(["asyncio"] if sys.version_info < (3, 14) else []),
)
HEAVY = (*LIBRARIES, "pytest_proctape.session", "pytest_proctape.tape", "pytest_proctape.intercept")

NO_TAPE = """
    import os, subprocess, sys, threading, _thread

    def loaded():
        return [name for name in HEAVY if name in sys.modules]

    AT_START = loaded()

    def test_it():
        assert AT_START == []
        assert subprocess.run(["true"]).returncode == 0
        assert os.system("exit 3") == 3 << 8
        assert loaded() == []
        real = (subprocess._fork_exec, os.waitpid, os.kill, os.posix_spawn, _thread.start_new_thread)
        for function in real:
            assert type(function).__name__ == "builtin_function_or_method"
        assert os.system.__module__ == "posix"
"""


@pytest.mark.parametrize("flags", [(), ("--replay-tapes",), ("--record-tapes",), ("--live-tapes",)])
def test_nothing_is_imported_or_patched_where_no_test_is_taped(
    project: Project, flags: tuple[str, ...]
) -> None:
    # Whoever names tapes has the rooms before the first conftest file.
    project.write(NO_TAPE.replace("HEAVY", repr(LIBRARIES if flags else HEAVY)))
    project.run_apart(*flags).assert_outcomes(passed=1)


def test_pytest_starts_without_pydantic_and_freezegun(project: Project) -> None:
    project.write(
        f"""
        import sys

        def pytest_unconfigure(config):
            print("loaded:", [name for name in {HEAVY!r} if name in sys.modules])
        """,
        "conftest.py",
    )
    project.write("def test_it(tape): pass")
    for flags in (("--version",), ("--help",), ("--collect-only",), ("--markers",), ("-k", "nothing")):
        result = project.run_apart("-s", *flags)
        if "--version" not in flags:
            result.stdout.fnmatch_lines(["loaded: []"])


AT_EVERY_START = ["enclosing", "kept", "keys", "options", "plugin", "watch"]


def test_a_run_that_has_nothing_to_do_with_tapes_imports_next_to_nothing(project: Project) -> None:
    project.write(
        """
        import sys

        def pytest_unconfigure(config):
            ours = (name.partition("pytest_proctape.")[2] for name in sys.modules)
            print("loaded:", sorted(name for name in ours if name))
        """,
        "conftest.py",
    )
    project.write("def test_it(): pass")
    result = project.run_apart("-s")
    result.assert_outcomes(passed=1)
    assert f"loaded: {AT_EVERY_START}" in result.outlines


def test_the_asserts_of_an_installed_plugin_are_left_as_they_are(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = project.path / "site" / "pytest_proctape-0.dist-info"
    site.mkdir(parents=True)
    site.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: pytest-proctape\nVersion: 0\n")
    site.joinpath("entry_points.txt").write_text("[pytest11]\nproctape = pytest_proctape.plugin\n")
    site.joinpath("RECORD").write_text("pytest_proctape/__init__.py,,\npytest_proctape/plugin.py,,\n")
    source = Path(pytest_proctape.__file__).parent.parent
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site.parent), str(source)]))
    project.write(
        """
        import importlib.machinery, sys

        def test_it(tape):
            loaders = {
                name: isinstance(module.__loader__, importlib.machinery.SourceFileLoader)
                for name, module in sys.modules.items()
                if name.partition(".")[0] == "pytest_proctape"
            }
            assert loaders.pop("pytest_proctape") == loaders.pop("pytest_proctape.plugin")
            assert len(loaders) > 20
            assert set(loaders.values()) == {True}
        """
    )
    result = project.pytester.run(sys.executable, "-m", "pytest", "-p", "no:randomly")
    result.assert_outcomes(passed=1)


def test_the_public_names_come_when_they_are_used(project: Project) -> None:
    project.write(
        """
        import sys
        import pytest_proctape

        assert "pydantic" not in sys.modules
        from pytest_proctape import Divergence, ProctapeError, UnsupportedSpawn
        assert "pydantic" not in sys.modules
        from pytest_proctape import TapedSpawn, TapeHandle
        print("done")
        """,
        "script.py",
    )
    project.pytester.runpython(project.path / "script.py").stdout.fnmatch_lines(["done"])


NOT_ON_REPLAY = (
    "pydantic",
    "pydantic_core",
    "freezegun",
    "pytest_proctape.effects.watch",
    "pytest_proctape.session.drift",
    "pytest_proctape.tape.judge",
)


def test_a_recording_and_its_replay_need_no_pydantic(project: Project) -> None:
    project.write(
        """
        import subprocess

        def test_it(tape):
            assert subprocess.run(["echo", "a"], capture_output=True).stdout == b"a\\n"
        """
    )
    project.write(
        f"""
        import sys

        def pytest_unconfigure(config):
            print("loaded:", [name for name in {NOT_ON_REPLAY!r} if name in sys.modules])
        """,
        "conftest.py",
    )
    recorded = project.run_apart("-s", "--record-tapes")
    recorded.assert_outcomes(passed=1)
    assert "'pydantic'" not in recorded.stdout.str()
    replayed = project.run_apart("-s", "--replay-tapes")
    replayed.assert_outcomes(passed=1)
    replayed.stdout.fnmatch_lines(["loaded: []"])


PATCHED = """
    import os, signal, subprocess, threading, _thread
    from concurrent.futures import ThreadPoolExecutor

    PLACES = [
        (where, name)
        for where, names in {
            subprocess: ["_fork_exec", "_USE_POSIX_SPAWN", "_time", "_PopenSelector"],
            subprocess.Popen: ["_wait", "_communicate", "_internal_poll"],
            os: ["waitpid", "waitid", "wait", "wait3", "wait4", "pidfd_open", "kill", "killpg", "getpgid",
                 "getsid", "posix_spawn", "posix_spawnp", "_spawnvef", "system"],
            signal: ["pidfd_send_signal"],
            _thread: ["start_new_thread"],
            threading: ["_start_new_thread", "_start_joinable_thread"],
            ThreadPoolExecutor: ["submit"],
        }.items()
        for name in names
        if hasattr(where, name)
    ]

    def now():
        values = [getattr(where, name) for where, name in PLACES]
        return [*values, subprocess.Popen._internal_poll.__defaults__]

    BEFORE = now()

    def test_before():
        assert now() == BEFORE

    def test_taped(tape):
        assert now() != BEFORE
        subprocess.run(["true"])

    def test_behind():
        assert now() == BEFORE

    def test_taped_and_failing(tape):
        assert now() != BEFORE
        subprocess.run(["true"])
        assert False

    def test_behind_a_failing_one():
        assert now() == BEFORE

    def test_again(tape):
        assert now() != BEFORE

    def test_at_the_end():
        assert now() == BEFORE
"""


@pytest.mark.parametrize("flag", ["--replay-tapes", "--record-tapes", "--record-tapes=new", "--live-tapes"])
def test_every_patch_is_undone_behind_each_test(project: Project, flag: str) -> None:
    project.write(PATCHED)
    project.write_tape({"program": "true"}, test="test_taped")
    project.write_tape({"program": "true"}, test="test_taped_and_failing")
    project.run_apart(flag).assert_outcomes(passed=6, failed=1)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="pytest itself loads asyncio there")
def test_loops_and_pools_come_with_the_test_that_has_one(project: Project) -> None:
    project.write(
        """
        import subprocess, sys

        def test_without(tape):
            assert subprocess.check_output(["echo", "one"]) == b"one\\n"
            with subprocess.Popen(["echo", "two"], stdout=subprocess.PIPE) as child:
                assert child.communicate()[0] == b"two\\n"
            assert not {"asyncio", "concurrent.futures"} & {*sys.modules}

        def test_with_a_pool(tape):
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor() as pool:
                assert pool.submit(subprocess.check_output, ["echo", "pool"]).result() == b"pool\\n"

        def test_with_a_loop(tape):
            import asyncio

            async def ask():
                child = await asyncio.create_subprocess_exec("sh", "-c", "sleep 0.1; echo three", stdout=-1)
                return await child.communicate(), child.returncode

            assert asyncio.run(ask()) == ((b"three\\n", None), 0)

        def test_behind():
            import asyncio

            watcher = asyncio.unix_events.ThreadedChildWatcher
            assert watcher.add_child_handler.__module__ == "asyncio.unix_events"
        """
    )
    project.run_apart("--record-tapes").assert_outcomes(passed=4)
    project.run_apart("--replay-tapes").assert_outcomes(passed=4)
