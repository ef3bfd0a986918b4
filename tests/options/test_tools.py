"""`shutil.which` says on replay what it said in the recording, on whatever machine that is."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.options.project import ON_WORKERS, Project, one_error

SH = shutil.which("sh")
ASKS = """
    import shutil, subprocess

    def test_it(tape):
        sh = shutil.which("sh")
        assert shutil.which("no-such-tool") is None
        assert subprocess.run([sh, "-c", "echo hello"], capture_output=True).stdout == b"hello\\n"
"""


def taped(project: Project) -> dict[str, str | None]:
    found: dict[str, str | None] = json.loads((project.path / "tapes" / "@tools.json").read_bytes())["tools"]
    return found


def executable(folder: Path, name: str) -> Path:
    """A program of this name, in a folder that is made for it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\necho own\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_what_was_found_and_what_was_not(project: Project) -> None:
    project.write(ASKS)
    project.record()
    assert taped(project) == {"no-such-tool": None, "sh": SH}
    project.replay()


def test_a_tool_that_only_the_machine_of_the_replay_has(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(ASKS)
    project.record()
    executable(project.path / "bin", "no-such-tool")
    monkeypatch.setenv("PATH", str(project.path / "bin"))
    check = project.run()
    check.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "skip", ["shutil.which('sh') is None", "'shutil.which(\"sh\") is None'"], ids=["at import", "at setup"]
)
def test_tests_that_are_skipped_where_there_is_no_tool(project: Project, skip: str) -> None:
    project.ini("tapes_auto = true")
    project.write(f"""
        import shutil, subprocess
        import pytest

        @pytest.mark.skipif({skip}, reason="no sh")
        def test_it():
            assert subprocess.check_output(["sh", "-c", "echo hello"]) == b"hello\\n"

        @pytest.mark.skipif(shutil.which("no-such-tool") is None, reason="no tool")
        def test_another():
            raise AssertionError
    """)
    project.record(passed=1, skipped=1)
    project.replay(passed=1, skipped=1)


def test_who_keeps_a_copy_of_which(project: Project) -> None:
    project.ini("pythonpath = .")
    project.write("from shutil import which\ndef find(): return which('sh')\n", "helper.py")
    project.write("import helper\ndef test_it(tape): assert helper.find()\n")
    project.record()
    project.replay()


def test_a_test_without_a_spawn(project: Project) -> None:
    project.ini("tapes_auto = true")
    project.write("import shutil\ndef test_it(): assert shutil.which('sh')\n")
    project.record()
    assert project.tapes() == ["@tools.json"]
    project.replay("--tapes-orphans=fail")


def test_one_without_a_tape_sees_the_machine(project: Project) -> None:
    project.write("import shutil\ndef test_it(tape): assert shutil.which('sh')\n")
    project.record()
    project.write("import shutil\ndef test_it(): assert shutil.which('sh') is None\n")
    project.replay()


def test_what_the_test_puts_on_the_path_itself(project: Project) -> None:
    project.write("""
        import os, shutil

        def test_it(tape, tmp_path, monkeypatch):
            for name in ("sh", "own"):
                (tmp_path / name).touch(mode=0o755)
            path = os.environ["PATH"]
            sh = shutil.which("sh")
            assert sh != str(tmp_path / "sh")
            monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), path]))
            assert shutil.which("sh") == str(tmp_path / "sh")
            monkeypatch.setenv("PATH", os.pathsep.join([path, str(tmp_path)]))
            assert shutil.which("sh") == sh
            assert shutil.which("own") == str(tmp_path / "own")
            monkeypatch.setenv("PATH", str(tmp_path))
            assert shutil.which("sh") == str(tmp_path / "sh")
            assert shutil.which("sh", path=path) == sh
    """)
    project.record()
    assert taped(project) == {"own": None, "sh": SH}
    project.replay()


def test_where_the_tape_does_not_say(project: Project) -> None:
    project.write("import shutil\ndef test_it(tape): assert shutil.which('sh')\n")
    project.run().assert_outcomes(passed=1)
    project.replay(failed=1)


def test_one_more_question(project: Project) -> None:
    project.write(ASKS)
    project.write("import shutil\ndef test_it(tape): assert shutil.which('cat')\n", "test_cat.py")
    project.record("test_it.py")
    project.record("test_cat.py")
    assert taped(project) == {"cat": shutil.which("cat"), "no-such-tool": None, "sh": SH}
    before = (project.path / "tapes" / "@tools.json").read_bytes()
    project.record()
    assert (project.path / "tapes" / "@tools.json").read_bytes() == before


def test_several_workers(project: Project) -> None:
    pytest.importorskip("xdist")
    names = ["sh", "cat", "ls", "true", "no-such-tool", "printf"]
    for name in names:
        source = f"import shutil\ndef test_{name.replace('-', '_')}(tape): shutil.which({name!r})\n"
        project.write(source, f"test_{name}.py")
    project.run_apart("--record-tapes", *ON_WORKERS).assert_outcomes(passed=len(names))
    assert taped(project) == {name: shutil.which(name) for name in sorted(names)}


def test_a_tool_of_the_home_directory_travels(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    home = project.path / "home"
    executable(home / "bin", "my-tool")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", os.pathsep.join([str(home / "bin"), os.environ["PATH"]]))
    project.ini("tapes_auto = true")
    project.write("""
        import os, shutil

        def test_it():
            assert shutil.which("my-tool") == os.path.expanduser("~/bin/my-tool")
    """)
    project.record()
    assert taped(project) == {"my-tool": "<home>/bin/my-tool"}
    monkeypatch.setenv("HOME", "/home/somebody-else")
    project.replay()


@pytest.mark.parametrize("options", [["--live-tapes"], ["--verify-tapes"]], ids=["live", "verify"])
def test_modes_that_look_at_the_machine(project: Project, options: list[str]) -> None:
    project.write("import shutil\ndef test_it(tape): assert shutil.which('own-tool') is None\n")
    project.record()
    project.edit("is None", "is not None")
    executable(project.path / "bin", "own-tool")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([str(project.path / "bin"), os.environ["PATH"]]))
        project.run(*options).assert_outcomes(passed=1)
    assert taped(project) == {"own-tool": None}


def test_a_command_that_is_never_taped(project: Project) -> None:
    project.ini("tapes_live = sh")
    project.write("import shutil\ndef test_it(tape): assert shutil.which('sh')\n")
    project.record()
    assert project.tapes() == []
    project.replay(failed=1)


def test_what_cannot_be_read(project: Project) -> None:
    project.write(ASKS)
    project.record()
    wrong = '{"version": 2, "tools": {"sh": 3}}'
    (project.path / "tapes" / "@tools.json").write_text(wrong, encoding="utf-8")
    told = one_error(project.run())
    assert "@tools.json" in told
    assert "tools.sh" in told


def test_the_standard_library_looks_for_its_own_tools(project: Project) -> None:
    project.write("""
        import pydoc

        def test_it(tape):
            pydoc.getpager()
    """)
    project.record()
    assert "@tools.json" not in project.tapes()


def test_what_a_test_makes_of_a_look_at_files_is_not_what_there_is(project: Project) -> None:
    project.write(
        """
        import os, shutil
        import pytest

        def test_a_look_that_finds_nothing(tape, monkeypatch):
            monkeypatch.setattr(os.path, "exists", lambda path: False)
            assert shutil.which("sh") is None

        def test_a_look_that_finds_others(tape, monkeypatch):
            real = os.path.exists
            monkeypatch.setattr(os.path, "exists", lambda path: "no-such" in path or real(path))
            assert shutil.which("sh") is not None
            assert shutil.which("no-such-tool") is None

        def test_all_may_be_run(tape, monkeypatch):
            monkeypatch.setattr(os.path, "exists", lambda path: True)
            monkeypatch.setattr(os, "access", lambda path, mode: True)
            assert shutil.which("no-such-tool", path="/nowhere") == "/nowhere/no-such-tool"
            assert shutil.which("sh") is not None

        def test_what_there_is(tape):
            assert shutil.which("sh") is not None
            assert shutil.which("no-such-tool") is None
        """
    )
    project.run("--record-tapes").assert_outcomes(passed=4)
    assert taped(project) == {"no-such-tool": None, "sh": SH}
    project.replay(passed=4)
