"""What a replay can't give a test is said where it fails: a secret that was taken out, a server."""

from __future__ import annotations

import socket

import pytest

from tests.options.project import Project

SECRET = "*a secret was taken out of {} of entry 1, and the test is given <redacted> in its place: *"
REFUSED = "*a connection was refused*: a command that is replayed is no process, and listens nowhere; *"


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


SERVES = """
    import asyncio, os, socket, subprocess, sys, time
    import pytest

    SERVER = '''if True:
        import socket, sys
        if sys.argv[1].isdecimal():
            server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
        else:
            server = socket.socket(socket.AF_UNIX)
            server.bind(sys.argv[1])
            server.listen()
        server.accept()[0].sendall(b"hello")
    '''

    def attempts():
        for _ in range(200 if "RECORDING" in os.environ else 2):
            time.sleep(0.05)
            yield

    def try_in_turn(make, address):
        for _ in attempts():
            with make() as client:
                if client.connect_ex(address) == 0:
                    return client.recv(9)
        return None
"""
REACHED = {
    "connect_ex": """
        answer = try_in_turn(socket.socket, ("127.0.0.1", PORT))
    """,
    "asyncio": """
        async def reach():
            for _ in attempts():
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                except OSError:
                    continue
                said = await reader.read(9)
                writer.close()
                return said
        answer = asyncio.run(reach())
    """,
    "a file": """
        answer = try_in_turn(lambda: socket.socket(socket.AF_UNIX), "server")
    """,
}


@pytest.mark.parametrize("way", REACHED)
def test_a_server_that_is_waited_for(project: Project, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    where = "server" if way == "a file" else str(port)
    project.write(
        f"{SERVES}\n    PORT = {port}\n\n    def test_it(tape):\n"
        f'        server = subprocess.Popen([sys.executable, "-c", SERVER, "{where}"])'
        f"{REACHED[way].rstrip()}\n        server.wait(10)\n        assert answer == b'hello'\n"
    )
    with monkeypatch.context() as patch:
        patch.setenv("RECORDING", "1")
        project.record()
    (project.path / "server").unlink(missing_ok=True)

    at = "server" if way == "a file" else f"127.0.0.1:{port}"
    project.replay(failed=1).stdout.fnmatch_lines([REFUSED.replace("refused*", f"refused at {at}")])


def test_a_port_that_is_another_one_in_every_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(
        """
        import os, subprocess

        def test_it(tape):
            subprocess.run(["echo", f"--url=http://127.0.0.1:{os.environ['PORT']}/", "--seed", "41"])
        """
    )
    monkeypatch.setenv("PORT", "45515")
    project.record()
    for port, told in (("46475", True), ("8080", False), ("99999", False)):
        monkeypatch.setenv("PORT", port)
        said = project.replay(failed=1).stdout.str()
        assert ("looks like a port that was free" in said) is told
    project.edit('"41"', '"42"')
    assert "a port" not in project.replay(failed=1).stdout.str()


def test_servers_of_the_test_itself_are_nothing_to_tell(project: Project) -> None:
    project.write(
        """
        import os, socket, subprocess

        def test_it(tape):
            subprocess.run(["true"])
            with socket.create_server(("127.0.0.1", 0)) as server:
                socket.create_connection(server.getsockname()).close()
            assert "FAIL" not in os.environ
        """
    )
    project.record()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAIL", "1")
        project.replay(failed=1).stdout.no_fnmatch_line("*a connection was refused*")


@pytest.mark.parametrize(
    "end, told",
    [("child.terminate()", "until the test ended it"), ("child.wait()", "")],
)
def test_a_command_that_runs_beside_the_test(project: Project, end: str, told: str) -> None:
    """As a kernel, which is spoken to by a library of C code."""
    project.write(
        f"""
        import os, subprocess

        def test_it(tape):
            with open(os.devnull, "w") as null:
                child = subprocess.Popen(["sleep", "0.1" if "wait" in {end!r} else "100"], stdout=null)
            {end}
            if "FAIL" in os.environ:
                raise RuntimeError("Kernel didn't respond in 60 seconds")
            if "terminate" in {end!r}:
                child.wait()
        """
    )
    project.record()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAIL", "1")
        output = project.replay(failed=1).stdout
    if told:
        output.fnmatch_lines([f"*the command of entry 1 ran {told}: *if the test reached it by a socket, *"])
    else:
        output.no_fnmatch_line("*the command of entry 1*")


@pytest.mark.parametrize("way", ["another end", "given up"])
def test_a_server_that_ends_with_a_code(project: Project, way: str) -> None:
    """As most do when they are asked to end; a test that can't reach it may end it in another way, too."""
    project.write(
        """
        import os, signal, subprocess, sys

        SERVER = '''if True:
            import signal
            signal.signal(signal.SIGTERM, lambda *_: exit(0))
            print("ready", flush=True)
            signal.pause()
        '''
        END = signal.SIGINT if os.environ.get("WAY") == "another end" else signal.SIGTERM

        def test_it(tape):
            command = [sys.executable, "-c", SERVER]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
                server.stdout.readline()
                server.send_signal(END)
            assert "WAY" not in os.environ
        """
    )
    project.record()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAY", way)
        output = project.replay(failed=1).stdout
    output.fnmatch_lines(["*the command of entry 1 ran until the test ended it: *by a socket, *"])
    assert ("Divergence" in output.str()) is (way == "another end")


@pytest.mark.parametrize("made", ["tempfile.mkdtemp()", "str(tmp_path)"])
def test_a_path_of_the_recording_in_a_file(project: Project, made: str) -> None:
    project.ini("tapes_effects = true")
    project.write(
        f"""
        import os, subprocess, tempfile

        def test_it(tape, tmp_path):
            folder = {made}
            subprocess.run(["sh", "-c", "echo $0 > where; echo one > other", folder], cwd=folder)
            with open(os.path.join(folder, "where")) as file:
                assert file.read() == folder + "\\n" and "FAIL" not in os.environ
        """
    )
    project.record()
    told = project.run("--replay-tapes", "--basetemp=elsewhere")
    told.assert_outcomes(failed=1)
    told.stdout.fnmatch_lines(
        ["*where, which the command of entry 1 made, has a path of the recording in it; *"]
    )
    project.ini("tapes_effects = true", "tapes_effects_text = *")
    project.record()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAIL", "1")
        assert "a path of the recording" not in project.replay(failed=1).stdout.str()


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


WAITS = """
    import socket, subprocess, sys
    import pytest

    CLIENT = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.close()"

    @pytest.mark.tape
    def test_it(tmp_path, monkeypatch):
        # The whole path would be too long.
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
            listening.listen()
            listening.settimeout(60)
            with subprocess.Popen([sys.executable, "-c", CLIENT, "socket"]):
                listening.accept()[0].close()
"""


@pytest.mark.parametrize("error", ["TimeoutError()", 'pytest.fail.Exception("Timeout (>3.0s)")'])
def test_a_test_that_waits_for_somebody_to_connect_is_told_that_nobody_does(
    project: Project, error: str
) -> None:
    project.write(WAITS)
    project.record()
    project.edit("listening.settimeout(60)", "listening.settimeout(0.001)")
    if error != "TimeoutError()":
        project.edit("listening.accept()[0].close()", f"raise {error}")

    told = project.replay(failed=1).stdout.str()

    assert (
        "the test has waited to a limit: a command that is replayed is no process, and listens nowhere"
        in told
    )

    project.edit("listening.settimeout", "raise ValueError or listening.settimeout")
    assert "to a limit" not in project.replay(failed=1).stdout.str()


def test_a_wait_that_is_interrupted_is_told_as_well(project: Project) -> None:
    project.write(WAITS)
    project.record()
    project.edit("listening.accept()[0].close()", "raise KeyboardInterrupt")

    assert "interrupted after" not in project.run_apart().stdout.str(), "that was at once"
    project.write("from pytest_proctape import summary\n\nsummary._WAITED_NS = -(10**12)\n", "conftest.py")
    told = project.run_apart().stdout.str()
    assert "interrupted after" in told
    assert "test_it.py::test_it; a command that is replayed listens nowhere and connects to nobody" in told
    # What is recorded may take its time.
    assert "interrupted after" not in project.run_apart("--record-tapes").stdout.str()
