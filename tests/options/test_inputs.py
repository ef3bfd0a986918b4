"""The files that a command line names: kept by a recording, and held against it by a replay."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from pytest_proctape import Divergence, use_tape
from pytest_proctape.cli import main
from tests.options.project import Project

HEAD = """
import os, subprocess, sys, zipfile
import pytest

def said(*words, **options):
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, **options).stdout

"""


def _write(project: Project, body: str) -> None:
    project.write(HEAD + body)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_file_that_the_test_writes_otherwise_is_a_divergence(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    (tmp_path / "in").write_text("one")
    said("cat", tmp_path / "in")
""",
    )
    project.record()
    assert project.entries()[0]["inputs"] == {"<tmp>/in": _hash("one")}
    project.replay()
    project.edit('"one"', '"two"')

    told = project.replay(failed=1).stdout.str()

    assert f"inputs[<tmp>/in]  tape: sha256 {_hash('one')[:16]}..." in told
    assert f"test: sha256 {_hash('two')[:16]}..." in told
    assert "a file that the command is given is not what it was" in told
    assert '@pytest.mark.tape(match_on=["program", "args", "cwd", "env", "stdin"])' in told
    assert "looks like a random name" not in told


def test_a_file_that_the_test_no_longer_writes_is_a_divergence(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    (tmp_path / "in").write_text("one")
    said("cat", "in", cwd=tmp_path)
""",
    )
    project.record()
    project.edit('    (tmp_path / "in").write_text("one")\n', "")

    told = project.replay(failed=1).stdout.str()

    assert "inputs[in]" in told


@pytest.mark.parametrize(
    "command",
    [
        'said("cat", tmp_path / "in")',
        'said("cat", "in", cwd=tmp_path)',
        'said("cat", "./in", cwd=tmp_path)',
        'said("sh", "-c", "cat in | wc -l; true", cwd=tmp_path)',
        'subprocess.check_output("cat<in", shell=True, cwd=tmp_path)',
        'said("bash", "-ec", "cat \'in\'", cwd=tmp_path)',
        'said("env", "FILE=in", "true", cwd=tmp_path)',
        'said("echo", "--file=in", cwd=tmp_path)',
        'said("echo", "@in", cwd=tmp_path)',
        'os.chdir(tmp_path); said("cat", "in")',
        'os.rename(tmp_path / "in", tmp_path / "to"); said("cat", "to", cwd=tmp_path)',
        'os.symlink("in", tmp_path / "in2"); said("cat", tmp_path / "in", tmp_path / "in2")',
        'subprocess.Popen(["cat", tmp_path / "in"], stdout=-1).communicate()',
        'os.waitpid(os.posix_spawnp("cat", ["cat", tmp_path / "in"], os.environ), 0)',
        'os.system(f"cat {tmp_path}/in > /dev/null")',
        "asyncio.run(in_a_loop(tmp_path))",
    ],
)
@pytest.mark.parametrize("options", ["", "order='any'", "clock=True", "effects=True"])
def test_whatever_the_command_names_it_by(
    project: Project, monkeypatch: pytest.MonkeyPatch, command: str, options: str
) -> None:
    monkeypatch.chdir(project.path)
    _write(
        project,
        f"""
import asyncio

async def in_a_loop(tmp_path):
    child = await asyncio.create_subprocess_exec("cat", tmp_path / "in", stdout=asyncio.subprocess.PIPE)
    return await child.communicate()

@pytest.mark.tape({options})
def test_it(tmp_path, monkeypatch):
    monkeypatch.chdir(".")
    (tmp_path / "in").write_text("one\\n")
    {command}
""",
    )
    project.record()
    assert set(project.entries()[-1]["inputs"].values()) == {_hash("one\n")}
    project.replay()
    project.edit("one", "two")
    project.replay(failed=1)


def test_what_another_command_has_made_or_changed_is_not_held(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_text("one")
    said("sh", "-c", "echo made > made; echo two > a", cwd=tmp_path)
    said("cat", "a", "b", cwd=tmp_path)
    if os.path.exists(tmp_path / "made"):
        with open(tmp_path / "made", "a") as made:
            made.write("and more")
    said("echo", "made", cwd=tmp_path)
    # Written anew it is the test's again.
    (tmp_path / "a").write_text("three")
    said("cat", "a", cwd=tmp_path)
""",
    )
    project.record()
    given = [set(entry.get("inputs", ())) for entry in project.entries()]
    assert given == [{"a", "b"}, {"b"}, set(), {"a"}]
    project.replay()
    project.edit('"three"', '"four"')
    project.replay(failed=1)


def test_the_contents_do_not_depend_on_machine_or_run(project: Project) -> None:
    _write(
        project,
        """
import tempfile, time

def test_it(tape, tmp_path):
    (tmp_path / "in").write_text(f"root = {tmp_path}/root\\npython = {sys.executable}\\n")
    said("cat", tmp_path / "in")
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/in", "w") as file:
            file.write(f"here: {folder}/out")
        with open(f"{folder}/other", "w") as other:
            other.write("another one")
        said("cat", file.name, other.name)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("member", time.localtime(time.time() - 10 * os.getpid())[:6])
        archive.writestr(info, "one")
    said("wc", "-c", tmp_path / "a.zip")
""",
    )
    project.record()
    assert [len(entry["inputs"]) for entry in project.entries()] == [1, 2, 1]
    project.replay("--basetemp=elsewhere")
    result = project.run_apart("--replay-tapes")
    result.assert_outcomes(passed=1)
    project.edit('"one"', '"two"')
    project.replay(failed=1)


def test_files_of_random_names_are_told_apart_by_their_places(project: Project) -> None:
    _write(
        project,
        """
import tempfile

def test_it(tape):
    paths = []
    for word in ("one", "two", "three"):
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(word)
        paths.append(file.name)
    said("cat", *paths)
    said("cat", *reversed(paths))
    said("sh", "-c", f"cat {paths[1]} {paths[2]}; echo {paths[0]}")
""",
    )
    project.record()
    project.replay()
    project.edit('"two", "three"', '"three", "two"')
    told = project.replay(failed=1).stdout.str()
    assert "mktemp:1>]  tape" not in told
    assert "mktemp:2>]  tape" in told


def test_a_secret_in_a_file_leaves_no_trace(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "hunter2-hunter2-hunter2")
    _write(
        project,
        """
def test_it(tape, tmp_path):
    (tmp_path / "in").write_text("token = " + os.environ.get("API_TOKEN", ""))
    said("wc", "-l", tmp_path / "in")
""",
    )
    project.record()
    assert "inputs" not in project.entries()[0]
    monkeypatch.delenv("API_TOKEN")
    project.replay()


def test_a_file_without_end_is_none_and_one_of_no_text_has_no_name(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with open(os.fsencode(tmp_path) + b"/\\xff", "wb"):
        pass
    subprocess.run(["true", "fifo", b"\\xff", "/dev/zero", "", ".", "..", "a\\nb"], cwd=tmp_path)
""",
    )
    project.record()
    assert "inputs" not in project.entries()[0]
    project.replay()


def test_of_commands_in_any_order_each_gets_its_own_file(project: Project) -> None:
    _write(
        project,
        """
@pytest.mark.tape(order="any")
def test_it(tmp_path):
    for word in ("one", "two", "two", "three"):
        (tmp_path / "in").write_text(word)
        assert said("cat", tmp_path / "in") == word
""",
    )
    project.record()
    project.edit('("one", "two", "two", "three")', '("two", "three", "one", "two")')
    project.replay()
    project.edit('("two", "three", "one", "two")', '("two", "three", "one", "four")')
    project.replay(failed=1)


def test_who_does_not_compare_files_keeps_none(project: Project) -> None:
    _write(
        project,
        """
@pytest.mark.tape(match_on="program args cwd env stdin")
def test_it(tmp_path):
    (tmp_path / "in").write_text("one")
    said("cat", tmp_path / "in")
""",
    )
    project.record()
    assert "inputs" not in project.entries()[0]
    # A tape of before is replayed as well.
    project.edit("program args cwd env stdin", "program args cwd env stdin inputs")
    project.record()
    assert "inputs" in project.entries()[0]
    project.edit("env stdin inputs", "env stdin")
    project.edit('"one"', '"two"')
    project.replay()


def test_what_is_new_is_recorded_where_a_file_is_another_one(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    (tmp_path / "in").write_text("one")
    assert said("cat", tmp_path / "in") == "one"
""",
    )
    project.record()
    project.edit("one", "two")
    project.run("--record-tapes=new").assert_outcomes(passed=1)
    assert project.entries()[0]["stdout"] == ["two"]
    project.replay()


def test_real_commands_are_verified_by_what_they_say(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    (tmp_path / "in").write_text("one")
    said("wc", "-c", "in", cwd=tmp_path)
""",
    )
    project.record()
    project.edit("one", "two")
    assert project.run("--verify-tapes").ret == 0
    project.edit("two", "three")
    assert project.run("--verify-tapes").ret == 8


def test_recorded_again_it_is_as_it_was(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    (tmp_path / "in").write_text("one")
    said("wc", "-l", tmp_path / "in")
""",
    )
    project.record()
    before = project.tape().read_bytes()
    project.record()
    assert project.tape().read_bytes() == before
    project.edit("one", "two")
    project.record()
    assert project.entries()[0]["inputs"] == {"<tmp>/in": _hash("two")}


def test_a_test_may_replace_what_reads_files(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path, monkeypatch):
    (tmp_path / "in").write_text("one")
    for name in ("open", "stat", "access"):
        monkeypatch.setattr(os, name, None)
    monkeypatch.setattr("builtins.open", None)
    try:
        assert subprocess.run(["cat", tmp_path / "in"], stdout=subprocess.PIPE).stdout == b"one"
    finally:
        monkeypatch.undo()
""",
    )
    project.record()
    assert "inputs" in project.entries()[0]
    project.replay()


# -- of the project ------------------------------------------------------------------------------------


@pytest.fixture
def scripts(project: Project) -> Project:
    """A test of a script of the project, which is as old as a project is."""
    _write(
        project,
        """
def test_it(tape):
    assert said(sys.executable, "tool.py", "data.txt", "built") == "1\\n"
    assert said("./tool.sh") == "sh\\n"
""",
    )
    project.write("print(1)\n", "tool.py")
    project.write("data\n", "data.txt")
    project.write("#!/bin/sh\necho sh\n", "tool.sh").chmod(0o755)
    (project.path / "built").write_bytes(b"\0\1")
    project.run_apart("--record-tapes").assert_outcomes(passed=1)
    return project


@pytest.mark.parametrize("name", ["tool.py", "data.txt", "tool.sh"])
def test_a_file_of_the_project_that_has_changed_is_a_divergence(scripts: Project, name: str) -> None:
    scripts.replay()
    # What is made by building it need not be there.
    kept = (scripts.path / name).rename(scripts.path / "away")
    scripts.replay()
    kept.rename(scripts.path / name)
    scripts.replay()
    with (scripts.path / name).open("a", encoding="utf-8") as file:
        file.write("# more\n")
    told = scripts.replay(failed=1).stdout.str()
    assert f"{name}]  tape: sha256 " in told


def test_what_is_built_is_another_machines(scripts: Project) -> None:
    assert set(scripts.entries()[0]["inputs"]) == {"tool.py", "data.txt"}
    assert set(scripts.entries()[1]["inputs"]) == {"./tool.sh"}
    (scripts.path / "built").write_bytes(b"\0\2")
    scripts.replay()


def test_a_file_of_the_project_that_a_command_writes_is_not_held(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape):
    said("sh", "-c", "date +%N > out.txt; cat out.txt")
    said("cat", "out.txt")
""",
    )
    project.write("before\n", "out.txt")
    project.run_apart("--record-tapes").assert_outcomes(passed=1)
    assert not any("inputs" in entry for entry in project.entries())
    project.replay()


# -- Python code of the project ------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["tool/__main__.py", "src/tool/__main__.py", "tool.py"])
@pytest.mark.parametrize(
    "words", ["'-m', 'tool'", "'-W', 'error', '-Xdev', '-Im', 'tool'", "'-m', 'tool.__main__'"]
)
def test_code_of_the_project_that_has_changed_is_a_divergence(
    project: Project, place: str, words: str
) -> None:
    if "tool." in words and place == "tool.py":
        pytest.skip("a module has no modules")
    _write(
        project,
        f"""
def test_it(tape):
    subprocess.run([sys.executable, {words}], stdout=subprocess.PIPE)
""",
    )
    project.write("print(1)\n", place)
    if place != "tool.py":
        project.write("", str(Path(place).with_name("__init__.py")))
        project.write("", str(Path(place).with_name("sub") / "other.py"))
        project.write("data", str(Path(place).with_name("data.txt")))
    project.record()
    assert set(project.entries()[0]["inputs"]) == {"package tool"}
    project.replay()
    project.write("print(2)\n", place)
    told = project.replay(failed=1).stdout.str()
    assert "inputs[package tool]" in told
    assert "tapes_live" in told
    project.write("print(1)\n", place)
    project.replay()
    if place != "tool.py":
        project.write("more data", str(Path(place).with_name("data.txt")))
        project.replay()
        project.write("# new", str(Path(place).with_name("sub") / "other.py"))
        project.replay(failed=1)


def test_a_script_that_is_installed_for_the_project_runs_its_code(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = project.path.parent / f"{project.path.name}-env"
    script = project.write(
        "#!/bin/sh\n'exec' true\nimport sys\nfrom tool.cli import main\n", f"{environment}/bin/tool"
    )
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", f"{environment}/bin/python")
    monkeypatch.setenv("PATH", f"{environment}/bin:{os.environ['PATH']}")
    _write(
        project,
        """
def test_it(tape):
    said("tool")
""",
    )
    project.write("", "src/tool/__init__.py")
    project.record()
    assert set(project.entries()[0]["inputs"]) == {"package tool"}
    project.write("# new", "src/tool/__init__.py")
    project.replay(failed=1)
    # Elsewhere it is not installed.
    script.unlink()
    project.replay()


@pytest.mark.parametrize(
    "words",
    ["'-c', 'import tool', '-m', 'tool'", "'other.py', '-m', 'tool'", "'-m', 'json.tool', '-h'", "'-m'"],
)
def test_other_code_is_not_looked_at(project: Project, words: str) -> None:
    _write(
        project,
        f"""
def test_it(tape):
    subprocess.run([sys.executable, {words}], capture_output=True)
""",
    )
    project.write("", "tool/__init__.py")
    project.record()
    assert "inputs" not in project.entries()[0]
    project.replay()


def test_many_files_of_one_command_line(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    names = [f"{number}" for number in range(300)]
    for name in names:
        (tmp_path / name).write_text(name)
    said("cat", *names, cwd=tmp_path)
""",
    )
    project.record()
    assert set(project.entries()[0]["inputs"]) == {str(number) for number in range(100)}
    project.replay()


def test_the_command_line_tool_shows_them(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write_tape({"program": "cat", "args": ["in"], "inputs": {"in": _hash("one")}})
    assert main(["show", str(project.tape())]) == 0
    assert f"in (sha256 {_hash('one')[:16]}...)" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["one", _hash("one").upper(), 3, None])
def test_a_hash_that_is_none_is_told(project: Project, wrong: object) -> None:
    _write(
        project,
        """
def test_it(tape):
    said("cat", "in")
""",
    )
    project.write_tape({"program": "cat", "args": ["in"], "inputs": {"in": wrong}})
    told = project.replay(failed=1).stdout.str()
    assert "TapeCorrupt" in told
    assert "inputs" in told


def test_outside_of_pytest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with use_tape(tmp_path / "tape.json", mode="record"):
        Path("in").write_text("one", encoding="utf-8")
        subprocess.run(["cat", "in"], stdout=subprocess.PIPE, check=True)
    with use_tape(tmp_path / "tape.json", mode="replay"):
        subprocess.run(["cat", "in"], stdout=subprocess.PIPE, check=True)
    os.truncate("in", 2)
    with pytest.raises(Divergence), use_tape(tmp_path / "tape.json", mode="replay"):
        subprocess.run(["cat", "in"], stdout=subprocess.PIPE, check=True)
    os.remove("in")
    # It is below the directory that holds the tape, as a project's file would be.
    with use_tape(tmp_path / "tape.json", mode="replay"):
        subprocess.run(["cat", "in"], stdout=subprocess.PIPE, check=True)
