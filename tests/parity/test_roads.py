"""The roads to a child that lead past ``subprocess``, and the roads by which one hears of its end."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from .harness import Parity
from .observe import outcome, python

needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="process descriptors are Linux's")
SH = "/bin/sh"
ROADS: Any = os
"""Typeshed calls `os.spawn*` and `os.popen` deprecated."""


# -- os.system and os.popen --------------------------------------------------------------------


def test_system(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> Any:
        statuses = [
            os.system(command)
            for command in (
                "echo hello",
                "exit 3",
                "echo oops >&2; kill -9 $$",
                "",
                "no-such-program-anywhere 2>&1",
            )
        ]
        return statuses[:-1], os.waitstatus_to_exitcode(statuses[-1]), capfd.readouterr()[:2][0][:6]

    assert parity(body) == ([0, 3 << 8, 9, 0], 127, "hello\n")


def test_system_takes_bytes_and_paths(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [outcome(os.system, command) for command in (b"exit 1", Path("true"), 3, "nul\0")]

    assert parity(body)[:2] == [256, 0]


def test_popen_reads(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with ROADS.popen("echo one; echo two; exit 2") as stream:
            lines = list(stream)
        failing = ROADS.popen("exit 3")
        return lines, failing.read(), failing.close(), ROADS.popen("true").close()

    assert parity(body) == (["one\n", "two\n"], "", 3 << 8, None)


def test_popen_writes(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> Any:
        stream = ROADS.popen("cat; exit 4", "w")
        stream.write("to a child\n")
        return stream.close(), capfd.readouterr().out

    assert parity(body) == (4 << 8, "to a child\n")


# -- os.spawn* ---------------------------------------------------------------------------------


def test_every_spawn_that_waits(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        env = {**os.environ, "CODE": "7"}
        script = ["sh", "-c", "exit ${CODE:-3}"]
        return [
            ROADS.spawnv(os.P_WAIT, SH, script),
            ROADS.spawnve(os.P_WAIT, SH, script, env),
            ROADS.spawnvp(os.P_WAIT, "sh", script),
            ROADS.spawnvpe(os.P_WAIT, "sh", script, env),
            ROADS.spawnl(os.P_WAIT, SH, *script),
            ROADS.spawnle(os.P_WAIT, SH, *script, env),
            ROADS.spawnlp(os.P_WAIT, "sh", *script),
            ROADS.spawnlpe(os.P_WAIT, "sh", *script, env),
        ]

    assert parity(body) == [3, 7] * 4


def test_spawn_without_waiting(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pids = [ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", f"exit {code}") for code in (1, 2, 3)]
        return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in reversed(pids)]

    assert parity(body) == [3, 2, 1]


def test_spawn_and_a_signal(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        waited = ROADS.spawnlp(os.P_WAIT, "sh", "sh", "-c", "kill -15 $$")
        pid = ROADS.spawnlp(os.P_NOWAIT, "sleep", "sleep", "100")
        os.kill(pid, signal.SIGKILL)
        return waited, os.waitpid(pid, 0)[1]

    assert parity(body) == (-15, 9)


def test_spawned_output_is_inherited(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> Any:
        ROADS.spawnlp(os.P_WAIT, "sh", "sh", "-c", "echo out; echo err >&2")
        return tuple(capfd.readouterr())

    assert parity(body) == ("out\n", "err\n")


# -- os.posix_spawn ----------------------------------------------------------------------------


def _spawned(path: str, argv: list[str], **kwargs: Any) -> int:
    pid = os.posix_spawn(path, argv, os.environ, **kwargs)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_posix_spawn(parity: Parity, capfd: pytest.CaptureFixture[str]) -> None:
    def body(folder: Path) -> Any:
        codes = [_spawned(SH, ["sh", "-c", command]) for command in ("echo hi", "exit 9", "kill -9 $$")]
        pid = os.posix_spawnp("sh", ["sh", "-c", 'exit "$CODE"'], {**os.environ, "CODE": "5"})
        return codes, os.waitpid(pid, 0)[1], capfd.readouterr().out

    assert parity(body) == ([0, 9, -9], 5 << 8, "hi\n")


def test_posix_spawn_with_opened_files(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        (folder / "in").write_bytes(b"input")
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, str(folder / "in"), os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(folder / "out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        code = _spawned(SH, ["sh", "-c", "cat; echo err >&2; exit 2"], file_actions=actions)
        return code, (folder / "out").read_bytes(), (folder / "out").stat().st_mode & 0o777

    assert parity(body)[:2] == (2, b"inputerr\n")


def test_posix_spawn_with_pipes(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        into, out = os.pipe(), os.pipe()
        actions: list[Any] = [
            (os.POSIX_SPAWN_DUP2, into[0], 0),
            (os.POSIX_SPAWN_DUP2, out[1], 1),
            (os.POSIX_SPAWN_CLOSE, into[1]),
            (os.POSIX_SPAWN_CLOSE, out[0]),
        ]
        pid = os.posix_spawn(SH, ["sh", "-c", "tr a-z A-Z"], os.environ, file_actions=actions)
        os.close(into[0])
        os.close(out[1])
        os.write(into[1], b"shout")
        os.close(into[1])
        answer = os.read(out[0], 100), os.read(out[0], 100)
        os.close(out[0])
        return answer, os.waitpid(pid, 0)[1]

    assert parity(body) == ((b"SHOUT", b""), 0)


def test_posix_spawn_with_closed_output(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return _spawned(SH, ["sh", "-c", "echo x 2>/dev/null"], file_actions=[(os.POSIX_SPAWN_CLOSE, 1)])

    assert parity(body) != 0


def test_posix_spawn_attributes(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = """
import os, signal
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
print(signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL, signal.SIGUSR2 in blocked)
print(os.getpgrp() == os.getpid())
"""
        out = folder / "out"
        opens = [(os.POSIX_SPAWN_OPEN, 1, str(out), os.O_WRONLY | os.O_CREAT, 0o600)]
        before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        try:
            result = _spawned(
                sys.executable,
                python(code),
                file_actions=opens,
                setpgroup=0,
                setsigmask=[signal.SIGUSR2],
                setsigdef=[signal.SIGUSR1],
            )
        finally:
            signal.signal(signal.SIGUSR1, before)
        return (
            result,
            out.read_text(),
            outcome(_spawned, SH, ["sh"], setpgroup="x"),
            outcome(_spawned, SH, []),
        )

    assert parity(body)[:2] == (0, "True True\nTrue\n")


def test_posix_spawn_with_file_actions_that_can_not_be(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [
            outcome(
                _spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_OPEN, 3, "/no/such", os.O_RDONLY, 0)]
            ),
            outcome(_spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_DUP2, 999, 1)]),
            outcome(_spawned, SH, ["sh"], file_actions=[(os.POSIX_SPAWN_CLOSE,)]),
            outcome(_spawned, SH, ["sh"], file_actions=[("nonsense", 1)]),
            outcome(_spawned, SH, ["sh"], file_actions=[1]),
        ]

    assert all(isinstance(error, Exception) for error in parity(body))


# -- waiting -----------------------------------------------------------------------------------


def _three() -> dict[int, int]:
    """Three children that have ended: pid to exit code."""
    pids = {}
    for code in (11, 12, 13):
        pid = ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", f"exit {code}")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        pids[pid] = code
    return pids


@pytest.mark.parametrize("how", ["wait", "wait3", "wait4", "waitpid", "waitpid 0", "wait4 pid", "waitid"])
def test_waiting_for_any_child(parity: Parity, how: str) -> None:
    def wait(pid: int) -> tuple[int, int]:
        if how == "wait":
            return os.wait()
        if how == "wait3":
            return os.wait3(0)[:2]
        if how == "wait4":
            return os.wait4(-1, 0)[:2]
        if how == "wait4 pid":
            return os.wait4(pid, 0)[:2]
        if how == "waitid":
            result = os.waitid(os.P_ALL, 0, os.WEXITED)
            assert result is not None
            return result.si_pid, result.si_status << 8
        return os.waitpid(0 if how == "waitpid 0" else -1, 0)

    def body(folder: Path) -> Any:
        pids = _three()
        got = [wait(pid) for pid in pids]
        mine = sorted(pids[pid] == status >> 8 for pid, status in got)
        return mine, sorted(status >> 8 for _, status in got), type(outcome(wait, next(iter(pids))))

    assert parity(body) == ([True] * 3, [11, 12, 13], ChildProcessError)


def test_waiting_for_a_group(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["sh", "-c", "exit 6"], process_group=0) as child:
            pid, status = os.waitpid(-child.pid, 0)
            return pid == child.pid, status, child.wait()

    # Popen finds no child any more, and takes that for 0: subprocess documents it.
    assert parity(body) == (True, 6 << 8, 0)


def test_waiting_without_blocking(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE) as child:
            early = [
                os.waitpid(child.pid, os.WNOHANG),
                os.waitpid(-1, os.WNOHANG),
                os.wait3(os.WNOHANG)[:2],
                os.wait4(child.pid, os.WNOHANG)[:2],
                os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG),
                os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG),
            ]
            return early, child.communicate(b"x"), child.returncode

    assert parity(body) == ([(0, 0)] * 4 + [None] * 2, (b"x", None), 0)


def test_waiting_for_nobody(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        subprocess.run(["true"], check=True)
        return [
            outcome(os.wait),
            outcome(os.waitpid, -1, os.WNOHANG),
            outcome(os.waitpid, 2**22 + 2**20, 0),
            outcome(os.waitid, os.P_ALL, 0, os.WEXITED),
            outcome(os.wait3, 0),
        ]

    assert [error.errno for error in parity(body)] == [errno.ECHILD] * 5


def test_waitid_tells_how_it_ended(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        seen: list[Any] = []
        for command in ("exit 3", "kill -9 $$"):
            with subprocess.Popen(["sh", "-c", command]) as child:
                peek = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
                taken = os.waitid(os.P_PID, child.pid, os.WEXITED)
                for result in (peek, taken):
                    assert result is not None
                    seen.append(
                        (
                            result.si_pid == child.pid,
                            result.si_uid,
                            result.si_signo,
                            result.si_status,
                            result.si_code,
                        )
                    )
                seen.append(type(outcome(os.waitid, os.P_PID, child.pid, os.WEXITED)))
        return seen

    seen = parity(body)
    assert seen[0][3:] == (3, os.CLD_EXITED)
    assert seen[3][3:] == (9, os.CLD_KILLED)


def test_rusage(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid = ROADS.spawnlp(os.P_NOWAIT, "true", "true")
        got, status, usage = os.wait4(pid, 0)
        return got == pid, status, usage.ru_utime >= 0, len(usage)

    assert parity(body) == (True, 0, True, 16)


@needs_pidfd
def test_a_process_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["cat"], stdin=PIPE) as child:
            fd = os.pidfd_open(child.pid)
            early, _, _ = select.select([fd], [], [], 0)
            inheritable = os.get_inheritable(fd)
            assert child.stdin is not None
            child.stdin.close()
            late, _, _ = select.select([fd], [], [], 20)
            result = os.waitid(os.P_PIDFD, fd, os.WEXITED)
            os.close(fd)
            assert result is not None
            gone = outcome(os.pidfd_open, child.pid)
            child.returncode = 0
            return early, inheritable, len(late), result.si_pid == child.pid, result.si_status, gone

    assert parity(body)[:5] == ([], False, 1, True, 0)


@needs_pidfd
def test_a_process_descriptor_of_a_child_that_has_ended(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        pid = ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", "exit 8")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        fd = os.pidfd_open(pid)
        readable, _, _ = select.select([fd], [], [], 20)
        status = os.waitpid(pid, 0)[1]
        again = outcome(signal.pidfd_send_signal, fd, 0)
        os.close(fd)
        return len(readable), status, again

    assert parity(body)[:2] == (1, 8 << 8)


def test_sigchld(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        seen: list[int] = []
        before = signal.signal(signal.SIGCHLD, lambda number, frame: seen.append(number))
        try:
            with subprocess.Popen(["sh", "-c", "exit 3"]) as child:
                code = child.wait()
        finally:
            signal.signal(signal.SIGCHLD, before)
        return seen, code

    assert parity(body) == ([signal.SIGCHLD], 3)


@pytest.mark.skipif(not hasattr(signal, "sigtimedwait"), reason="macOS has no sigtimedwait")
def test_sigchld_that_is_waited_for(parity: Parity) -> None:
    """As supervisors do it: blocked, so that it can be waited for.

    The child ends later than the wait begins: else another thread could be given the signal, bare too.
    """

    def body(folder: Path) -> Any:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        try:
            pid = ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", "sleep 0.2; exit 9")
            told = signal.sigtimedwait({signal.SIGCHLD}, 10)
            return told and told.si_signo, os.waitpid(pid, os.WNOHANG)[1]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    assert parity(body) == (signal.SIGCHLD, 9 << 8)


def test_sigchld_wakes_a_descriptor(parity: Parity) -> None:
    """As event loops do it: the handler does nothing, the wakeup descriptor becomes readable."""

    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        wakeup = signal.set_wakeup_fd(writer)
        before = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        try:
            pid = ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", "exit 9")
            told = os.read(reader, 1)
            return told, os.waitpid(pid, 0)[1]
        finally:
            signal.signal(signal.SIGCHLD, before)
            signal.set_wakeup_fd(wakeup)
            os.close(reader)
            os.close(writer)

    assert parity(body) == (bytes([signal.SIGCHLD]), 9 << 8)


def test_a_handler_that_reaps(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reaped: list[int] = []

        def reap(number: int, frame: object) -> None:
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return
                if not pid:
                    return
                reaped.append(status >> 8)

        before = signal.signal(signal.SIGCHLD, reap)
        try:
            for code in (1, 2, 3):
                ROADS.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", f"exit {code}")
            while len(reaped) < 3:
                time.sleep(0.001)
        finally:
            signal.signal(signal.SIGCHLD, before)
        return sorted(reaped)

    assert parity(body) == [1, 2, 3]


# -- what Popen can be asked for ---------------------------------------------------------------


def test_preexec_fn(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os; print(os.environ.get('X'), os.getsid(0) == os.getpid())"
        return subprocess.run(
            python(code), preexec_fn=os.setsid, capture_output=True, text=True, env={"X": "1"}
        )

    assert parity(body).stdout == "1 True\n"


def test_umask(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(["sh", "-c", "umask"], umask=0o027, capture_output=True, text=True)

    assert parity(body).stdout.strip().endswith("027")


def test_user_and_groups(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        me = {"user": os.getuid(), "group": os.getgid()}
        return outcome(subprocess.run, ["true"], **me), outcome(subprocess.run, ["true"], user=-1)

    assert isinstance(parity(body)[1], ValueError)


@pytest.mark.parametrize("restore", [True, False])
def test_restore_signals(parity: Parity, restore: bool) -> None:
    def body(folder: Path) -> Any:
        return subprocess.run(
            ["sh", "-c", "kill -13 $$; echo survived"], restore_signals=restore, capture_output=True
        )

    assert parity(body).returncode == (-13 if restore else 0)


def test_close_fds_false(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        code = "import os, sys; os.write(int(sys.argv[1]), b'through the back door')"
        fd = fcntl.fcntl(writer, fcntl.F_DUPFD, 50)
        os.set_inheritable(fd, True)
        subprocess.run(python(code, "50" if fd == 50 else str(fd)), close_fds=False, check=True)
        os.close(fd)
        os.close(writer)
        with open(reader, "rb") as source:
            return source.read()

    assert parity(body) == b"through the back door"


def test_a_status_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        code = (
            "import os, sys; fd = int(sys.argv[1]); os.write(1, b'out'); os.write(fd, b'[GNUPG:] GOODSIG\\n')"
        )
        done = subprocess.run(python(code, str(writer)), pass_fds=[writer], capture_output=True)
        os.close(writer)
        with open(reader, "rb") as source:
            return done.stdout, source.read()

    assert parity(body) == (b"out", b"[GNUPG:] GOODSIG\n")


def test_a_large_status_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        code = "import sys; open(int(sys.argv[1]), 'wb').write(b'status' * 40_000)"
        with subprocess.Popen(python(code, str(writer)), pass_fds=[writer]) as child:
            os.close(writer)
            with open(reader, "rb") as source:
                return source.read(), child.wait()

    assert len(parity(body)[0]) == 240_000


def test_a_passphrase_descriptor(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        reader, writer = os.pipe()
        os.write(writer, b"secret")
        os.close(writer)
        code = "import os, sys; print(os.read(int(sys.argv[1]), 100))"
        done = subprocess.run(python(code, str(reader)), pass_fds=[reader], capture_output=True, text=True)
        os.close(reader)
        return done.stdout

    assert parity(body) == "b'secret'\n"
