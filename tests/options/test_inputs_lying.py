"""Files that lie where a command works, or in a directory that it is given: kept, and compared."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.options.project import Project

HEAD = """
import os, subprocess, sys, tempfile
import pytest

def said(*words, **options):
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, **options).stdout

"""


def _write(project: Project, body: str) -> None:
    project.write(HEAD + body)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _given(project: Project, test: str = "test_it") -> list[dict[str, Any]]:
    return [entry.get("inputs", {}) for entry in project.entries(test)]


@pytest.mark.parametrize("options", ["", "effects=True", 'order="any"'])
@pytest.mark.parametrize(
    "command",
    [
        'said("grep", "-r", "n", ".", cwd=tmp_path)',
        'said("grep", "-r", "n", tmp_path)',
        'said("grep", "-r", "n", "src/", cwd=tmp_path)',
        'said("sh", "-c", "cd src && cat *.c", cwd=tmp_path)',
        'said("sh", "-c", f"cat {tmp_path}/src/*.c")',
        'os.chdir(tmp_path); said("sh", "-c", "cat src/*")',
        'os.chdir(tmp_path); os.system("cat src/* >/dev/null")',
        'os.chdir(tmp_path); os.waitpid(os.posix_spawnp("ls", ["ls"], os.environ), 0)',
    ],
)
def test_what_the_test_writes_otherwise_is_a_divergence(
    project: Project, monkeypatch: pytest.MonkeyPatch, command: str, options: str
) -> None:
    monkeypatch.chdir(project.path)
    _write(
        project,
        f"""
@pytest.mark.tape({options})
def test_it(tmp_path, monkeypatch):
    monkeypatch.chdir(".")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/in.c").write_text("one\\n")
    {command}
""",
    )
    project.record()
    assert [set(given.values()) for given in _given(project)] == [{_hash("one\n")}]
    project.replay()
    project.edit("one", "another one")

    told = project.replay(failed=1).stdout.str()

    assert "in.c]" in told
    assert "a file that the command is given is not what it was" in told


def test_each_file_is_kept_with_the_first_command_that_could_read_it(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    (tmp_path / "a").write_text("one")
    said("true", cwd=tmp_path)
    said("true", cwd=tmp_path)
    (tmp_path / "b").write_text("two")
    said("true", cwd=tmp_path)
    (tmp_path / "a").write_text("three")
    said("cat", "b", cwd=tmp_path)
    said("true", cwd="/")
""",
    )
    project.record()

    assert _given(project) == [
        {"a": _hash("one")},
        {},
        {"b": _hash("two")},
        {"a": _hash("three"), "b": _hash("two")},
        {},
    ]
    project.replay()
    project.edit('"three"', '"four"')
    assert "inputs[a]" in project.replay(failed=1).stdout.str()


def test_what_is_hidden_or_still_being_written_is_not_kept(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    names = ".git/config sub/.cache/x .hidden sub/y a.git/HEAD a.git/objects/12/3456 a.git/refs/heads/x"
    for name in names.split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    with open(tmp_path / "log", "a") as log, open(tmp_path / "read", "w+") as both:
        log.write(f"{os.getpid()}")
        log.flush()
        said("true", cwd=tmp_path)
    with open(tmp_path / "sub/y"):
        said("true", cwd=tmp_path)
    said("true", cwd=tmp_path / "a.git")
    said("true", cwd=tmp_path / ".git")
""",
    )
    project.record()

    assert [set(given) for given in _given(project)] == [
        {".hidden", "sub/y"},
        {"log", "read"},
        set(),
        {"config"},
    ]


def test_what_another_thread_has_not_written_yet_is_not_compared(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    late = False
    for name in "a" if late else "abc":
        (tmp_path / name).write_text("one")
    with open(tmp_path / ("b" if late else "d"), "w"):
        said("true", cwd=tmp_path)
""",
    )
    project.record()
    assert [set(given) for given in _given(project)] == [{"a", "b", "c"}]
    project.edit("late = False", "late = True")

    project.replay()


def test_directories_that_are_not_the_tests_own_are_not_looked_into(project: Project) -> None:
    _write(
        project,
        """
@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wide")
    (folder / "in").write_text("one")
    said("true", cwd=folder)
    yield folder
    said("true", cwd=folder)

def test_it(wide, tape, tmp_path, request):
    written = request.config.rootpath / "written"
    written.write_text("one")
    said("true", cwd=wide)
    said("true", cwd=request.config.rootpath)
    said("true", cwd=tempfile.gettempdir())
    said("ls", tmp_path / "..", "/", ".", "..", cwd=request.config.rootpath)
    written.unlink()
    (wide / "late").write_text("one")
""",
    )
    project.record()

    assert [set(given) for given in _given(project)] == [set()] * 4
    # To the fixture its own file counts; what the test has written there later does not.
    assert [set(given) for given in _given(project, "@wide")] == [{"in"}, set()]


def test_a_directory_of_a_random_name(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape):
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/in", "w") as file:
            file.write(f"one {folder}")
        said("ls", folder)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
            file.write("two")
        said("ls", cwd=folder)
""",
    )
    project.record()
    first, second = _given(project)
    assert len(first) == 1
    assert list(second.values()) == [_hash("two")]
    project.replay()
    project.replay()
    project.edit('"one ', '"three ')
    project.replay(failed=1)


def test_no_more_of_a_directory_than_of_a_command_line(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    for number in range(120):
        (tmp_path / f"{number:03}").write_text(f"{number}")
    said("true", tmp_path / "119", cwd=tmp_path)
    said("true", cwd=tmp_path)
""",
    )
    project.record()

    first, second = _given(project)
    assert (len(first), len(second)) == (100, 20)
    assert "098" in first
    assert "099" in second
    project.replay()


def test_recorded_again_it_is_as_it_was(project: Project) -> None:
    _write(
        project,
        """
def test_it(tape, tmp_path):
    (tmp_path / "in").write_text("one")
    said("true", cwd=tmp_path)
    said("true", cwd=tmp_path)
""",
    )
    project.record()
    before = project.tape().read_bytes()

    assert "1 unchanged" in project.run("--record-tapes").stdout.str()
    assert project.tape().read_bytes() == before
