"""gevent: it forks by itself, hears of ends in C, and may stand in the place of the standard library.

In processes of their own: libev takes the status of every child of its process, whoever has started it.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.options.project import Project

# Not imported: it would be there for all the tests of this process.
pytestmark = pytest.mark.skipif(find_spec("gevent") is None, reason="gevent is not installed")

_PATCH = "from gevent import monkey; monkey.patch_all()\n"
SUITE = r"""
    import gc, os, signal, sys, time
    PATCH
    import gevent
    import gevent.os
    import pytest

    if gevent.monkey.is_module_patched("os") if hasattr(gevent, "monkey") else False:
        import subprocess as gs
        posix = os
    else:
        from gevent import subprocess as gs
        posix = gevent.os

    pytestmark = pytest.mark.tape

    def test_outputs():
        assert gs.check_output(["echo", "x"]) == b"x\n"
        assert gs.check_output("echo $((1+2))", shell=True) == b"3\n"
        done = gs.run(["sh", "-c", "cat; echo e >&2; exit 3"], input=b"in", stdout=-1, stderr=-1)
        assert (done.returncode, done.stdout, done.stderr) == (3, b"in", b"e\n")
        assert len(gs.check_output(["head", "-c", "300000", "/dev/zero"])) == 300000

    def test_expired_waits():
        child = gs.Popen(["sh", "-c", "sleep 1; echo b"], stdout=gs.PIPE)
        with pytest.raises(gs.TimeoutExpired):
            child.wait(timeout=0.1)
        with pytest.raises(gs.TimeoutExpired):
            child.communicate(timeout=0.1)
        got = False
        try:
            with gevent.Timeout(0.1):
                child.wait()
        except gevent.Timeout:
            got = True
        assert got
        assert child.communicate() == (b"b\n", None)
        with pytest.raises(gs.TimeoutExpired):
            gs.run(["sleep", "30"], timeout=0.1)

    def test_signals():
        child = gs.Popen(["sleep", "30"])
        child.kill()
        assert child.wait() == -9
        child = gs.Popen(["sleep", "30"])
        gevent.sleep(0.05)
        assert child.poll() is None
        child.terminate()
        assert child.wait() == -15

    def test_a_dialog():
        child = gs.Popen(["sh", "-c", "while read x; do echo got $x; done; exit 4"], stdin=-1, stdout=-1)
        for word in (b"a", b"b"):
            child.stdin.write(word + b"\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"got " + word + b"\n"
        child.stdin.close()
        assert child.stdout.read() == b""
        assert child.wait() == 4
        child.stdout.close()

    def test_many_at_once():
        seen = []
        def one(number):
            out = gs.check_output(["sh", "-c", f"sleep {(5 - number) * 0.4}; echo {number}"])
            seen.append(number)
            return int(out)
        jobs = [gevent.spawn(one, number) for number in range(1, 5)]
        gevent.joinall(jobs, raise_error=True)
        assert [job.value for job in jobs] == [1, 2, 3, 4]
        assert seen == [4, 3, 2, 1]

    def test_errors():
        with pytest.raises(FileNotFoundError):
            gs.Popen(["no-such-program"])

    def test_roads_of_the_system():
        pid = posix.fork()
        if not pid:
            os.execv("/bin/sh", ["sh", "-c", "exit 5"])
        assert posix.waitpid(pid, 0) == (pid, 5 << 8)
        with gevent.Timeout(30):
            pid = posix.posix_spawn("/bin/sh", ["sh", "-c", "exit 6"], os.environ)
            assert posix.waitpid(pid, 0) == (pid, 6 << 8)

    def test_a_clock(tape_clock):
        child = gs.Popen(["sh", "-c", "sleep 0.3; exit 2"])
        with pytest.raises(gs.TimeoutExpired):
            child.wait(timeout=0.05)
        assert child.wait() == 2
"""
COUNT = 8


def _is_the_same(project: Project, *options: str) -> None:
    project.run_apart("--live-tapes", *options).assert_outcomes(passed=COUNT)
    project.run_apart("--record-tapes", *options).assert_outcomes(passed=COUNT)
    assert '"running"' not in "".join(
        path.read_text() for path in project.pytester.path.rglob("tapes/*/*.json")
    )
    result = project.run_apart("--replay-tapes", *options)
    result.assert_outcomes(passed=COUNT)
    result.stdout.fnmatch_lines("tests: 8 replayed; spawns: * replayed")
    project.run_apart("--verify-tapes", *options).assert_outcomes(passed=COUNT)


@pytest.mark.parametrize("patched", ["nowhere", "by conftest", "by the module", "before pytest"])
def test_gevent(project: Project, patched: str) -> None:
    text = SUITE.replace("PATCH", _PATCH.strip() if patched == "by the module" else "")
    project.write(text)
    if patched == "by conftest":
        project.write(_PATCH, "conftest.py")
    if patched == "before pytest":
        project.write(_PATCH, "early.py")
        _is_the_same(project, "-p", "early")
    else:
        _is_the_same(project)


@pytest.mark.parametrize("loop", ["libev-cffi", "libuv-cffi"])
def test_another_loop(project: Project, loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEVENT_LOOP", loop)
    project.write(SUITE.replace("PATCH", _PATCH.strip()))
    _is_the_same(project, "-W", "ignore:libuv only supports:UserWarning")


def test_a_wait_that_never_ends_is_told(project: Project) -> None:
    project.write("""
        from gevent import subprocess

        def test_it(tape):
            child = subprocess.Popen(["sleep", "100"])
            child.kill()
            child.wait()
    """)
    project.run_apart("--record-tapes").assert_outcomes(passed=1)
    project.edit("child.kill()", "")
    project.write(
        """
        from pytest_proctape.child import virtual
        virtual.STALL_LIMIT_NS = 10**9
    """,
        "conftest.py",
    )
    result = project.run_apart("--replay-tapes")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("*SIGKILL*")
