"""What a replay can't give a test is said where it fails: a secret that was taken out, a server."""

from __future__ import annotations

import pytest

from tests.options.project import Project

SECRET = "*a secret was taken out of {} of entry 1, and the test is given <redacted> in its place: *"
REFUSED = "*a connection was refused: a command that is replayed is no process, and listens nowhere; *"


@pytest.mark.parametrize(
    "command, where",
    [
        ("echo licence-4711", "stdout"),
        ("echo licence-4711 >&2", "stderr"),
        ("echo one; sleep 0.1; read x; echo licence-4711", "stdout"),
        ("printf '%1000000s licence-4711' x", "stdout"),
        ("echo licence-4711 > key", "<tmp>/key"),
    ],
)
def test_a_secret_in_an_output(project: Project, command: str, where: str) -> None:
    project.ini(r"tapes_redact = licence-\d+", "tapes_effects = true")
    project.write(
        f"""
        import os, subprocess

        def test_it(tape, tmp_path):
            captured = dict(capture_output=True, text=True, input="x\\n")
            done = subprocess.run({command!r}, shell=True, cwd=tmp_path, **captured)
            said = done.stdout + done.stderr
            for name in os.listdir(tmp_path):
                said += (tmp_path / name).read_text()
            assert "licence-4711" in said
        """
    )
    project.record()

    project.replay(failed=1).stdout.fnmatch_lines([SECRET.format(where)])


def test_one_that_the_environment_has_is_there(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "very-long-and-secret")
    project.write(
        """
        import os, subprocess

        def test_it(tape):
            said = subprocess.run("echo $MY_TOKEN", shell=True, capture_output=True, text=True).stdout
            assert said == "very-long-and-secret\\n" and "BROKEN" not in os.environ
        """
    )
    project.record()
    monkeypatch.setenv("BROKEN", "1")
    project.replay(failed=1).stdout.no_fnmatch_line("*a secret was taken out*")
    monkeypatch.delenv("MY_TOKEN")
    project.replay(failed=1).stdout.fnmatch_lines(["*the test is given <redacted:MY_TOKEN> in its place: *"])


@pytest.mark.parametrize("wrapped", [False, True], ids=["as it is", "as the cause of another"])
def test_a_server(project: Project, wrapped: bool) -> None:
    project.write(
        f"""
        import socket, subprocess, sys
        import pytest

        SERVER = '''if True:
            import socket
            server = socket.create_server(("127.0.0.1", 0))
            print(server.getsockname()[1], flush=True)
            server.accept()[0].sendall(b"hello")
        '''

        def test_it(tape):
            command = [sys.executable, "-c", SERVER]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
                port = int(server.stdout.readline())
                try:
                    with socket.create_connection(("127.0.0.1", port)) as client:
                        assert client.recv(9) == b"hello"
                except OSError as error:
                    if {wrapped}:
                        raise RuntimeError("no server") from error
                    raise
        """
    )
    project.record()

    project.replay(failed=1).stdout.fnmatch_lines([REFUSED])


def test_other_failures_are_told_nothing(project: Project) -> None:
    project.write(
        """
        import subprocess

        def test_it(tape):
            said = subprocess.run(["echo", "<redacted>"], capture_output=True, text=True).stdout
            assert said == "<redacted>\\n" and __debug__ is None
        """
    )
    project.edit(" and __debug__ is None", "")
    project.record()
    project.edit('== "', '!= "')
    told = project.replay(failed=1).stdout
    told.no_fnmatch_line("*a secret was taken out*")
    told.no_fnmatch_line("*a connection was refused*")
