"""The ini option tapes_places: placeholders of the user's own, and names that differ from run to run."""

from __future__ import annotations

import json
import re

import pytest

from tests.options.project import Project

SOURCE = r"""
    import pathlib, subprocess, uuid

    DATA = "/srv/data"

    def test_it(tape):
        name = f"job-{uuid.uuid4().hex}"
        argv = ["sh", "-c", 'echo "made $1 in $2"; echo "$1" >&2', "x", name, DATA]
        made = subprocess.run(argv, capture_output=True, text=True)
        assert made.stdout == f"made {name} in {DATA}\n"
        assert made.stderr == f"{name}\n"
        sent = subprocess.run(["cat"], input=f"remove {name}\n", capture_output=True, text=True)
        assert sent.stdout == f"remove {name}\n"
"""


def test_a_value_and_a_pattern(project: Project) -> None:
    project.ini("tapes_places =", "    data = /srv/data", "    job = /job-[0-9a-f]{32}/")
    project.write(SOURCE)
    project.record()
    first, second = project.entries()
    assert first["args"][2:] == ["x", "<job:1>", "<data>"]
    assert first["stdout"] == ["made <job:1> in <data>\n"]
    assert second["stdin"] == ["remove <job:1>\n"]
    assert list(json.loads(project.tape().read_text())["names"]) == ["job:1"]
    project.replay()
    project.ini("tapes_places =", "    data = /mnt/big disk", "    job = /job-[0-9a-f]{32}/")
    project.edit('"/srv/data"', '"/mnt/big disk"')
    project.replay()


def test_without_it_a_random_name_diverges(project: Project) -> None:
    project.write(SOURCE)
    project.record()
    project.replay(failed=1)


def test_the_report_of_a_random_name_says_what_to_put_into_the_ini_file(project: Project) -> None:
    project.write("""
        import pathlib, subprocess

        RUNS = pathlib.Path(__file__).with_name("runs")

        def test_it(tape, tmp_path):
            with RUNS.open("a") as file:
                file.write("x")
            name = ("ab_12xyz", "cd_34uvw", "ef_56rst", "gh_78opq")[RUNS.stat().st_size - 1]
            folder = tmp_path / f"work-{name}"
            folder.mkdir()
            assert subprocess.check_output(["pwd"], cwd=folder, text=True) == f"{folder}\\n"
    """)
    project.record()

    report = project.replay(failed=1).stdout.str()
    told = re.search(r"^E +tapes_places =\nE +(random = /.*/)$", report, re.MULTILINE)
    assert told is not None, report
    assert told[1] == "random = /work-[a-z0-9_]{8}/"

    project.ini("tapes_places =", f"    {told[1]}")
    project.record()
    assert project.entries()[0]["cwd"] == "<tmp>/<random:1>"
    project.replay()


def test_another_name_than_the_bound_one_diverges(project: Project) -> None:
    project.ini("tapes_places = job = /job-[0-9a-f]{32}/")
    project.write(SOURCE)
    project.record()
    project.edit('f"remove {name}\\n", capture', 'f"remove job-{uuid.uuid4().hex}\\n", capture')
    project.replay(failed=1).stdout.fnmatch_lines(["*Divergence: the test sent something else*"])


def test_what_is_recorded_in_addition_goes_on_with_the_numbers(project: Project) -> None:
    project.ini("tapes_places = job = /job-[0-9a-f]{32}/")
    project.write(SOURCE)
    project.record()
    more = '        subprocess.run(["echo", name, f"job-{uuid.uuid4().hex}"], check=True)\n'
    path = project.path / "test_it.py"
    path.write_text(path.read_text() + more[4:])
    project.run("--record-tapes=new").assert_outcomes(passed=1)
    assert project.entries()[2]["args"] == ["<job:1>", "<job:2>"]
    assert list(json.loads(project.tape().read_text())["names"]) == ["job:1", "job:2"]
    project.replay()


@pytest.mark.parametrize(
    "line, told",
    [
        ("nonsense", "tapes_places in *pytest.ini: not understood: 'nonsense'*"),
        ("home = /x", "tapes_places in *pytest.ini: <home> is a placeholder already*"),
        ("job = /[/", "tapes_places in *pytest.ini: '[[]' is no regular expression*"),
    ],
)
def test_a_line_that_is_wrong_is_told_at_the_start(project: Project, line: str, told: str) -> None:
    project.ini(f"tapes_places = {line}")
    project.write("def test_it(): pass")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{told}"])


def test_random_names_and_secrets_in_any_order(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "tok-1234567890")
    project.ini("tapes_order = any", "tapes_places = job = /job-[0-9a-f]{32}/")
    project.write(
        """
        import os, subprocess, uuid

        def test_it(tape):
            name = f"job-{uuid.uuid4().hex}"
            commands = [["echo", "start", name], ["echo", os.environ.get("MY_TOKEN", ""), "x"]]
            for command in commands:
                told = subprocess.run(command, capture_output=True, text=True).stdout
                assert name not in command or told == f"start {name}\\n"
        """
    )
    project.record()
    project.replay()
    project.edit("in commands:", "in reversed(commands):")
    monkeypatch.delenv("MY_TOKEN")
    project.replay()


@pytest.mark.parametrize("number", [30, 31])
def test_a_descriptor_has_another_number_in_every_run(project: Project, number: int) -> None:
    """As it does where pytest runs with other plugins, or another test has left something open."""
    project.write("30", "number")
    project.write(
        """
        import fcntl, os, pathlib, subprocess

        def test_it(tape):
            reader, writer = os.pipe()
            status = fcntl.fcntl(writer, fcntl.F_DUPFD, int(pathlib.Path("number").read_text()))
            os.close(writer)
            command = ["sh", "-c", "echo told >$1", "sh", f"/dev/fd/{status}"]
            subprocess.run(command, pass_fds=[status], check=True)
            os.close(status)
            with open(reader) as pipe:
                assert pipe.read() == "told\\n"
        """
    )
    project.record()
    assert project.entries()[0]["args"] == ["-c", "echo told >$1", "sh", "/dev/fd/<fd-1>"]
    project.write(str(number), "number")
    project.replay()


def test_names_that_tempfile_draws_need_no_line(project: Project) -> None:
    project.write(r"""
        import os, subprocess, unittest
        from tempfile import NamedTemporaryFile, mkdtemp

        class Test(unittest.TestCase):
            def setUp(self):
                self.folder = mkdtemp(prefix="my-settings-")
                self.addCleanup(os.rmdir, self.folder)

            def test_it(self):
                said = subprocess.check_output(["echo", f"in {self.folder}:"], text=True)
                assert said == f"in {self.folder}:\n"
                with NamedTemporaryFile(prefix="a", suffix=".txt") as file:
                    assert subprocess.check_output(["echo", file.name], text=True) == f"{file.name}\n"
    """)
    project.ini("tapes_auto = true")
    project.record()
    assert [entry["args"] for entry in project.entries("Test.test_it")] == [
        ["in <tempdir>/my-settings-<temp-name:1>:"],
        ["<tempdir>/a<temp-name:2>.txt"],
    ]
    project.replay()


SESSION = """
    import subprocess, uuid

    def asked(shell, command):
        end = f"done-{uuid.uuid4()}"
        shell.stdin.write(f"{command}; echo {end}\\n")
        lines = []
        while (line := shell.stdout.readline()) and line != f"{end}\\n":
            lines.append(line)
        return lines

    def test_it(tape):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(["sh"], **pipes, text=True, bufsize=1) as shell:
            assert asked(shell, "echo one") == ["one\\n"]
            assert asked(shell, "echo two; echo three") == ["two\\n", "three\\n"]
"""


def test_a_marker_that_a_session_with_a_shell_draws_is_told_and_how_to_let_it_be(project: Project) -> None:
    project.write(SESSION)
    project.record()
    told = project.replay(failed=1).stdout
    told.fnmatch_lines(["*what differs in the input looks drawn; *", "*tapes_places ="])
    line = next(one for one in told.lines if "drawn = /" in one).removeprefix("E").strip()
    assert "match_on=" in told.str()

    project.ini("tapes_places =", f"    {line}")
    project.record()
    project.replay()
    project.replay()


ARCHIVES = """
    import gzip, io, os, pathlib, subprocess, tarfile, tempfile

    def packed(folder, text, format):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=format) as archive:
            for name in (f"{folder}/a", f"{folder}/deep/{'x' * 90}/b"):
                member = tarfile.TarInfo(name)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
        return file.getvalue()

    def sent(data, command="cksum > /dev/null; echo read"):
        return subprocess.run(["sh", "-c", command], input=data, capture_output=True).stdout

    def test_it(tape):
        for format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT):
            with tempfile.TemporaryDirectory(prefix="work-") as folder:
                text = f"it is in {folder}, {folder}, KIND\\n".encode()
                data = packed(folder, text, format)
                assert sent(data) == b"read\\n"
            with tempfile.TemporaryDirectory() as folder:
                data = packed(folder, f"{folder}/x\\n".encode(), format)
                assert sent(gzip.compress(data, mtime=0), "cat") == gzip.compress(data, mtime=0)
            with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
                ["sh", "-c", "head -c 5; cat > /dev/null"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ) as child:
                data = packed(folder, f"{folder}/x\\n".encode(), format)
                child.stdin.write(data[:700])
                child.stdin.flush()
                child.stdin.write(data[700:])
                child.stdin.flush()
                assert len(child.stdout.read(5)) == 5
                child.stdin.close()
"""


def test_archives_in_an_input_with_names_of_this_run(project: Project) -> None:
    project.write(ARCHIVES)
    project.record()
    project.replay()
    project.replay()
    project.edit("KIND", "another")
    project.replay(failed=1)
