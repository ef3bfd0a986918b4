"""A tape of one machine on another: other directories, home, interpreter, TMPDIR, locale and umask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.options.project import PLUGIN, Project

SOURCE = r"""
    import json, os, pathlib, shlex, subprocess, sys, tempfile

    import pytest

    pytestmark = pytest.mark.tape

    def out(*argv, **more):
        done = subprocess.run(argv, capture_output=True, check=True, **more)
        return os.fsdecode(done.stdout)

    def py(code, *args, **more):
        return out(sys.executable, "-I", "-S", "-c", code, *args, **more)

    def test_the_working_directories(tmp_path):
        assert out("pwd", cwd=tmp_path) == f"{tmp_path.resolve()}\n"
        assert out("pwd", "-P") == f"{os.path.realpath(os.getcwd())}\n"
        data = pathlib.Path(__file__).parent / "data"
        assert out("pwd", cwd=data) == f"{data}\n"

    def test_a_path_from_the_output_can_be_opened(tmp_path):
        found = out("echo", str(pathlib.Path(__file__).parent / "data" / "file")).rstrip("\n")
        assert pathlib.Path(found).read_text() == "here\n"

    def test_home(tmp_path):
        assert out("sh", "-c", 'echo "$HOME"; echo "$HOME/.config:$HOME/bin"') == (
            f"{pathlib.Path.home()}\n{pathlib.Path.home()}/.config:{pathlib.Path.home()}/bin\n"
        )

    def test_the_interpreter():
        code = "import sys, sysconfig; print(sys.executable); print(sysconfig.get_path('scripts'))"
        told = out(sys.executable, "-I", "-c", code)
        assert told.splitlines()[0] == sys.executable
        assert told.splitlines()[1] == str(pathlib.Path(sys.prefix, "bin"))
        assert out(str(pathlib.Path(sys.executable).resolve()), "-c", "print(1)") == "1\n"

    def test_temporary_files():
        name = tempfile.gettempdir() + "/fixed-name.txt"
        assert py("import sys; print(sys.argv[1])", name) == f"{name}\n"

    def test_temporary_files_with_random_names():
        with tempfile.TemporaryDirectory() as folder:
            assert out("pwd", cwd=folder) == f"{folder}\n"
            assert out("sh", "-c", 'echo "$1/a"', "x", folder) == f"{folder}/a\n"

    def test_other_writings(tmp_path):
        path = tmp_path / "a file"
        code = "import sys, json, pathlib; p = pathlib.Path(sys.argv[1]); print(p.as_uri())"
        code += "; print(json.dumps(str(p))); print(json.dumps(str(p)).replace('/', chr(92) + '/'))"
        uri, plain, escaped = py(code, str(path)).splitlines()
        assert uri == path.as_uri()
        assert json.loads(escaped) == str(path)

    def test_a_quoted_word(tmp_path):
        assert out("sh", "-c", f"cd {shlex.quote(str(tmp_path))} && pwd") == f"{tmp_path}\n"

    def test_input_and_errors(tmp_path):
        sent = f"{tmp_path}\0{pathlib.Path.home()}"
        assert out("cat", input=sent.encode()) == sent
        done = subprocess.run(["ls", str(tmp_path / "none")], capture_output=True, text=True)
        assert done.returncode and str(tmp_path / "none") in done.stderr

    def test_a_kept_variable(tmp_path):
        out("true", env={**os.environ, "CACHE_DIR": str(tmp_path / "cache"), "MODE": "x"})
"""


def pytest_in(folder: Path, *args: str, python: str = sys.executable, umask: int = 0o022, **env: str) -> None:
    """Pytest in ``folder`` with an environment of its own; everything passes."""
    paths = [str(Path(__file__).parents[2] / "src"), os.environ.get("PYTHONPATH", "")]
    given = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        **env,
    }
    done = subprocess.run(
        [python, "-m", "pytest", *PLUGIN, "-p", "no:cacheprovider", *args],
        cwd=folder,
        env=given,
        umask=umask,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " failed" not in done.stdout


def another_interpreter(folder: Path) -> str:
    """A virtual environment that has what this one has."""
    venv.create(folder, symlinks=True, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    return str(folder / "bin" / "python")


@pytest.mark.parametrize("name", ["elsewhere", "it's n\u00f6n-ascii"])
def test_nothing_diverges(project: Project, tmp_path: Path, name: str) -> None:
    project.ini("tapes_env = CACHE_*", "    MODE")
    project.write(SOURCE)
    project.write("here\n", "data/file")
    places = {key: tmp_path / "one" / key for key in ("home", "temp")}
    others = {key: tmp_path / "two" / f"{name} {key}" for key in ("home", "temp")}
    for path in (*places.values(), *others.values()):
        path.mkdir(parents=True)
    pytest_in(
        project.path, "--record-tapes", HOME=str(places["home"]), TMPDIR=str(places["temp"]), LC_ALL="C.UTF-8"
    )
    for tape in project.tapes():
        text = (project.path / "tapes" / tape).read_text()
        assert not any(str(path) in text for path in (project.path, sys.prefix, *places.values())), text
    there = tmp_path / "two" / name
    shutil.copytree(project.path, there)
    shutil.rmtree(project.path / "data")
    interpreter = another_interpreter(tmp_path / "two" / f"{name} venv")
    pytest_in(
        there,
        python=interpreter,
        umask=0o077,
        HOME=str(others["home"]),
        TMPDIR=str(others["temp"]),
        LC_ALL="C",
        LANG="C",
        USER="another",
        TZ="Asia/Tokyo",
    )


def test_a_place_behind_a_symbolic_link(project: Project, tmp_path: Path) -> None:
    project.write(SOURCE)
    project.write("here\n", "data/file")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "plain").mkdir()
    pytest_in(project.path, "--record-tapes", HOME=str(tmp_path / "link"), TMPDIR=str(tmp_path / "plain"))
    pytest_in(project.path, HOME=str(tmp_path / "plain"), TMPDIR=str(tmp_path / "plain"))


def test_recording_again_what_did_not_change_changes_no_byte(project: Project) -> None:
    project.ini(
        "tapes_env = LANG",
        "tapes_places =",
        "    uid = /[0-9a-f]{32}/",
    )
    project.write(
        """
        import os, subprocess, sys, uuid

        def test_it(tape, tmp_path, monkeypatch):
            monkeypatch.setenv("MY_TOKEN", uuid.uuid4().hex + "-suffix")
            name = uuid.uuid4().hex
            argv = ["echo", name, str(tmp_path), os.environ["MY_TOKEN"]]
            subprocess.run(argv, check=True, capture_output=True)
            subprocess.run(["sh", "-c", "cat; echo $MY_TOKEN; pwd"], input=name.encode(), capture_output=True)
        """
    )
    project.record()
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@y"]
    for command in (["init", "-q"], ["add", "tapes"], ["commit", "-qm", "tapes"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    for _ in range(20):
        project.record()
        status = subprocess.run([*git, "status", "--porcelain", "tapes"], capture_output=True, text=True)
        assert status.stdout == ""
    project.replay()
