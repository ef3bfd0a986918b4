"""Libraries that fork and exec by themselves: sh, and pexpect on terminals."""

from __future__ import annotations

import pytest

from tests.options.project import Project

SH = """
    import pytest
    import sh

    pytestmark = [pytest.mark.tape, pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")]

    def test_output():
        assert sh.echo("hi") == "hi\\n"
        assert sh.bash("-c", "test -t 1 && echo terminal") == "terminal\\n"
        assert sh.bash("-c", "test -t 1 || echo pipe", _tty_out=False) == "pipe\\n"

    def test_errors():
        with pytest.raises(sh.ErrorReturnCode_3) as caught:
            sh.bash("-c", "echo bad >&2; exit 3")
        assert caught.value.stderr == b"bad\\n"

    def test_where():
        assert sh.pwd(_cwd="/") == "/\\n"
        assert sh.env(_env={"A": "b"}) == "A=b\\n"

    def test_background():
        child = sh.bash("-c", "read line; echo $line", _in="given\\n", _bg=True)
        child.wait()
        assert str(child) == "given\\n"

    def test_lines_to_a_callback():
        lines = []
        sh.cat(_in="one\\ntwo\\n", _out=lines.append)
        assert lines == ["one\\n", "two\\n"]

    def test_one_into_the_other():
        assert sh.sort(_in=sh.printf("b\\\\na\\\\n", _piped=True)) == "a\\nb\\n"

    def test_a_dialog():
        seen = []
        def answer(char, stdin):
            seen.append(char)
            if "".join(seen).endswith("name? "):
                stdin.put("you\\n")
        sh.bash("-c", "printf 'name? '; read name; echo hello $name", _out=answer, _out_bufsize=0)
        assert "".join(seen) == "name? hello you\\n"

    def test_a_kill():
        child = sh.sleep(100, _bg=True, _bg_exc=False)
        assert child.is_alive()
        child.kill()
        with pytest.raises(sh.SignalException_SIGKILL):
            child.wait()
"""

PEXPECT = """
    import pexpect
    import ptyprocess
    import pytest

    pytestmark = [pytest.mark.tape, pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")]

    def test_run():
        assert pexpect.run("echo hi") == b"hi\\r\\n"
        assert pexpect.run("sh -c 'exit 3'", withexitstatus=True) == (b"", 3)
        assert pexpect.run("stty size") == b"24 80\\r\\n"

    def test_a_dialog():
        child = pexpect.spawn("sh", ["-c", "printf 'name? '; read name; echo hello $name; cat"])
        child.expect("name\\\\? ")
        child.sendline("you")
        child.expect("hello (\\\\w+)")
        assert child.match.group(1) == b"you"
        child.sendline("abc")
        child.expect("abc\\r\\nabc\\r\\n")
        assert child.isalive()
        child.sendeof()
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0

    def test_no_echo():
        child = pexpect.spawn("cat", echo=False, dimensions=(33, 101), cwd="/")
        child.sendline("abc")
        child.expect("abc\\r\\n")
        assert child.before == b""
        child.sendintr()
        child.expect(pexpect.EOF)
        child.close()
        assert child.signalstatus == 2

    def test_nothing_comes():
        child = pexpect.spawn("sleep 100")
        with pytest.raises(pexpect.TIMEOUT):
            child.expect("x", timeout=0.1)
        assert child.terminate()
        assert child.signalstatus == 1

    def test_close_by_force():
        child = pexpect.spawn("sh", ["-c", "trap '' HUP INT; echo ready; while :; do sleep 0.1; done"])
        child.expect("ready")
        child.close(force=True)
        assert (child.exitstatus, child.signalstatus) == (None, 9)

    def test_a_program_that_is_not_there(tmp_path):
        program = tmp_path / "program"
        program.write_text("#!/no/such/interpreter")
        program.chmod(0o755)
        with pytest.raises(OSError, match="No such file"):
            ptyprocess.PtyProcess.spawn([str(program)])
"""


@pytest.mark.parametrize("library, text, count", [("sh", SH, 8), ("pexpect", PEXPECT, 6)])
def test_a_library(project: Project, library: str, text: str, count: int) -> None:
    pytest.importorskip(library)
    project.write(text)
    project.run_apart("--live-tapes").assert_outcomes(passed=count)
    project.run_apart("--record-tapes").assert_outcomes(passed=count)
    result = project.run_apart("--replay-tapes")
    result.assert_outcomes(passed=count)
    assert " replayed" in result.stdout.str()


def test_a_divergence_names_the_place_of_the_fork(project: Project) -> None:
    project.write(
        """
        import os, warnings, pytest

        @pytest.mark.tape
        @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
        def test_it():
            pid = os.fork()
            if pid == 0:
                os.execvp("echo", ["echo", "one"])
            os.waitpid(pid, 0)
        """
    )
    project.record(passed=1)
    project.edit('"one"', '"two"')
    result = project.run("--replay-tapes")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Divergence*", "*test_it.py:* in test_it()*"])


def test_an_end_that_only_c_code_saw_is_told(project: Project) -> None:
    project.write("""
        import ctypes, subprocess

        def test_it(tape):
            child = subprocess.Popen(["sh", "-c", "exit 3"])
            ctypes.CDLL(None).waitpid(child.pid, None, 0)
            child.returncode = 3
    """)
    result = project.run_apart("--record-tapes")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines("*UnsupportedSpawn: waitpid(2) in C: a library has waited *")
    assert project.tapes() == ["test_it/test_it.json.failed"]
