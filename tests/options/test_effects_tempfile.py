"""Directories and files that a test makes by :mod:`tempfile`: what its commands leave there is kept."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.options.project import Project

BEGIN = """
    import os, subprocess, tempfile, unittest
    from pathlib import Path
    import pytest

    def sh(command, **options):
        subprocess.run(["sh", "-c", command], check=True, **options)

    def told(**variables):
        return {"env": {**os.environ, **variables}}
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for temporary files, which is not the project's; it goes with this test."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def recorded_and_replayed(project: Project, text: str, tests: int = 1, *options: str) -> None:
    """``text`` in both modes, with the files of all tests on their tapes."""
    project.ini("tapes_effects = true", "tapes_auto = true")
    project.write(BEGIN + text)
    project.record(*options, passed=tests)
    project.replay(*options, passed=tests)


def test_a_directory_of_a_unittest(project: Project, run_options: tuple[str, ...]) -> None:
    recorded_and_replayed(
        project,
        """
    class TestIt(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.base = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="base-"))
            sh("echo base > file", cwd=cls.base)

        def setUp(self):
            self.own = tempfile.mkdtemp()

        def test_it(self):
            sh(f"mkdir d; cp '{self.base}/file' d/copy; echo more >> '{self.base}/file'", cwd=self.own)
            self.assertEqual(Path(self.own, "d/copy").read_text(), "base\\n")
            self.assertEqual(Path(self.base, "file").read_text(), "base\\nmore\\n")
    """,
        1,
        *run_options,
    )
    entry = project.entries("TestIt.test_it")[0]
    made = {one["path"] for one in entry["effects"] if "file" in one}
    assert made == {"<tempdir>/<mktemp:1>/d/copy", "<tempdir>/base-<temp-name:1>/file"}


def test_a_file(project: Project) -> None:
    recorded_and_replayed(
        project,
        """
    def test_it():
        handle, name = tempfile.mkstemp(suffix=".txt")
        os.close(handle)
        subprocess.run(["sh", "-c", 'echo made > "$0"', name])
        assert Path(name).read_text() == "made\\n"
        os.unlink(name)
        subprocess.run(["sh", "-c", 'echo again > "$0"', name])
        assert Path(name).read_text() == "again\\n"
        os.unlink(name)
    """,
    )


def test_a_directory_that_only_a_variable_names(project: Project) -> None:
    recorded_and_replayed(
        project,
        """
    def test_it():
        first, second, third = (tempfile.mkdtemp(prefix="home-") for _ in range(3))
        sh("echo made > $HOME/file; echo more > $HOME/.more", **told(HOME=second))
        assert [os.listdir(one) for one in (first, third)] == [[], []]
        assert Path(second, "file").read_text() == "made\\n"

    def test_one_of_them_has_been_said():
        home, work = tempfile.mkdtemp(), tempfile.mkdtemp()
        sh("echo work > file", cwd=work)
        sh("echo home > $HOME/file", **told(HOME=home, PATH=os.environ["PATH"] + ":" + work + "/bin"))
        assert Path(home, "file").read_text() + Path(work, "file").read_text() == "home\\nwork\\n"
    """,
        2,
    )


def test_one_that_was_made_while_the_module_was_imported(
    project: Project, run_options: tuple[str, ...]
) -> None:
    recorded_and_replayed(
        project,
        """
    FOLDER = tempfile.mkdtemp(prefix="module-")
    HANDLE, FILE = tempfile.mkstemp(".c")

    def test_it():
        sh("echo made > file", cwd=FOLDER)
        assert Path(FOLDER, "file").read_text() == "made\\n"

    def test_another():
        sh("echo more > $HOME/more; echo object > $1.o", **told(HOME=FOLDER))

    def test_beside():
        sh(f"echo object > {FILE[:-2]}.o")
        assert Path(FILE[:-2] + ".o").read_text() == "object\\n"
    """,
        3,
        *run_options,
    )


def test_what_stands_beside_a_file(project: Project) -> None:
    recorded_and_replayed(
        project,
        """
    def test_it():
        with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
            file.write("text")
        subprocess.run(["gzip", file.name], check=True)
        assert not os.path.exists(file.name) and os.path.exists(file.name + ".gz")
    """,
    )
    assert [one["path"] for one in project.entries()[0]["effects"]] == [
        "<tempdir>/<mktemp:1>.txt",
        "<tempdir>/<mktemp:1>.txt.gz",
    ]


def test_one_that_nothing_tells_from_another_is_an_error(project: Project) -> None:
    project.ini("tapes_effects = true", "tapes_auto = true")
    project.write(
        BEGIN
        + """
    def test_it():
        home, work = tempfile.mkdtemp(), tempfile.mkdtemp()
        sh("echo home > $HOME/file", **told(HOME=home, WORK=work))
        assert Path(home, "file").exists()
    """
    )
    project.record()

    project.replay(failed=1).stdout.fnmatch_lines(
        ["*TapeCorrupt:*can't be written: it is in none of the watched*"]
    )


def test_those_of_earlier_tests_are_looked_at_no_more(project: Project) -> None:
    project.write(
        BEGIN
        + """
    @pytest.fixture(scope="session", autouse=True)
    def base(tmp_path_factory):
        return tmp_path_factory.mktemp("base")

    @pytest.fixture
    def watched(tape):
        roots = tape._session.files.roots
        return lambda: sorted(os.path.basename(root.path) for root in roots)

    @pytest.mark.parametrize("number", range(3))
    def test_it(number, watched, tmp_path):
        folder = tempfile.mkdtemp(prefix="own-")
        assert watched() == sorted(["base0", tmp_path.name, os.path.basename(folder)])
    """
    )
    project.ini("tapes_effects = true")
    project.record(passed=3)
    project.replay(passed=3)


def test_without_effects_nobody_looks(project: Project) -> None:
    project.write(
        BEGIN
        + """
    def test_it(tape):
        folder = tempfile.mkdtemp()
        sh("echo made > file", cwd=folder)
        assert not list(tape._session.files.roots)
    """
    )
    project.record()
    assert "effects" not in project.entries()[0]


def test_in_a_block(project: Project) -> None:
    project.write(
        BEGIN
        + """
    from pytest_proctape import use_tape

    def test_it():
        with use_tape("block.json", effects=True):
            folder = tempfile.mkdtemp()
            sh("echo made > file", cwd=folder)
            assert Path(folder, "file").read_text() == "made\\n"
    """
    )
    project.record()
    project.replay()
