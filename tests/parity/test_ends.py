"""How a child ends: by itself, by a signal, when and as often as the parent says."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from .harness import Parity
from .observe import AWAITS_SIGNALS, outcome, python

WAITS = "import os, signal, sys; os.write(1, b'up\\n'); signal.pause()"
HANDLES = (
    """
import os, signal, sys
def stop(number, frame):
    os.write(1, b'stopping\\n')
    sys.exit(3)
signal.signal(signal.SIGTERM, stop)
os.write(1, b'up\\n')
"""
    + AWAITS_SIGNALS
)
IGNORES = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(1, b'up\\n')
while True: signal.pause()
"""


@contextlib.contextmanager
def _running(code: str, **kwargs: Any) -> Any:
    """A child that has said that it is up."""
    with subprocess.Popen(python(code), stdout=PIPE, **kwargs) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        yield child


def _fatal_signals() -> list[int]:
    harmless = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
    if sys.platform != "linux":
        harmless |= {signal.SIGIO, getattr(signal, "SIGINFO", signal.SIGIO)}
    stopping = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
    return sorted(int(number) for number in signal.valid_signals() - harmless - stopping)


def test_every_exit_code(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        return [subprocess.call(["sh", "-c", f"exit {code}"]) for code in range(256)]

    assert parity(body) == list(range(256))


@pytest.mark.parametrize("code", [0, 1, 2, 126, 127, 128, 129, 137, 143, 255])
def test_an_exit_code_with_output(parity: Parity, code: int) -> None:
    def body(folder: Path) -> Any:
        done = subprocess.run(["sh", "-c", f"echo out; echo err >&2; exit {code}"], capture_output=True)
        return done, outcome(done.check_returncode)

    assert parity(body)[0].returncode == code


def test_every_signal_by_itself(parity: Parity) -> None:
    numbers = [number for number in _fatal_signals() if number not in (signal.SIGPIPE, signal.SIGXFSZ)]

    def body(folder: Path) -> Any:
        return [subprocess.call(["sh", "-c", f"ulimit -c 0; kill -{number} $$"]) for number in numbers]

    assert parity(body) == [-number for number in numbers]


@pytest.mark.parametrize("number", _fatal_signals())
def test_every_signal_from_the_parent(parity: Parity, number: int) -> None:
    code = f"""
import os, resource, signal
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if {number} != signal.SIGKILL: signal.signal({number}, signal.SIG_DFL)
os.write(1, b'up\\n')
while True: signal.pause()
"""

    def body(folder: Path) -> Any:
        with _running(code) as child:
            child.send_signal(number)
            return child.wait()

    assert parity(body) == -number


@pytest.mark.parametrize("how", ["terminate", "kill", "send_signal", "os.kill", "killpg", "pidfd"])
def test_ways_to_send_a_signal(parity: Parity, how: str) -> None:
    if how == "pidfd" and not hasattr(signal, "pidfd_send_signal"):
        pytest.skip("process descriptors are Linux's")

    def send(child: subprocess.Popen[bytes]) -> None:
        if how == "terminate":
            child.terminate()
        elif how == "kill":
            child.kill()
        elif how == "send_signal":
            child.send_signal(signal.SIGINT)
        elif how == "os.kill":
            os.kill(child.pid, signal.SIGHUP)
        elif how == "killpg":
            os.killpg(os.getpgid(child.pid), signal.SIGTERM)
        else:
            fd = os.pidfd_open(child.pid)
            signal.pidfd_send_signal(fd, signal.SIGTERM)
            os.close(fd)

    def body(folder: Path) -> Any:
        with _running(
            WAITS.replace("os.write", "signal.signal(2, signal.SIG_DFL); os.write"),
            start_new_session=how == "killpg",
        ) as child:
            before = child.poll()
            send(child)
            return before, child.wait(), child.poll()

    before, code, again = parity(body)
    expected = {"kill": -9, "send_signal": -2, "os.kill": -1}.get(how, -15)
    assert (before, code, again) == (None, expected, expected)


def test_a_child_that_handles_sigterm(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _running(HANDLES) as child:
            child.terminate()
            return child.communicate(), child.returncode

    assert parity(body) == ((b"stopping\n", None), 3)


def test_a_child_that_ignores_sigterm(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _running(IGNORES) as child:
            child.terminate()
            early = outcome(child.wait, 0.05)
            child.kill()
            return early, child.wait()

    early, code = parity(body)
    assert isinstance(early, subprocess.TimeoutExpired)
    assert code == -9


def test_a_child_that_counts_signals(parity: Parity) -> None:
    code = """
import os, signal, sys
count = 0
def hit(number, frame):
    global count
    count += 1
    os.write(1, b'hit %d\\n' % count)
    if count == 3: sys.exit(count)
signal.signal(signal.SIGUSR1, hit)
os.write(1, b'up\\n')
"""

    def body(folder: Path) -> Any:
        with _running(code + AWAITS_SIGNALS) as child:
            seen = []
            for _ in range(3):
                child.send_signal(signal.SIGUSR1)
                seen.append(child.stdout.readline())
            return seen, child.wait()

    assert parity(body) == ([b"hit 1\n", b"hit 2\n", b"hit 3\n"], 3)


def test_sigint_is_a_keyboard_interrupt(parity: Parity) -> None:
    code = "import os, signal; signal.signal(2, signal.default_int_handler); os.write(1, b'up\\n')"

    def body(folder: Path) -> Any:
        with _running(code + AWAITS_SIGNALS, stderr=PIPE, text=False) as child:
            child.send_signal(signal.SIGINT)
            _, err = child.communicate()
            return b"KeyboardInterrupt" in err, child.returncode

    assert parity(body) == (True, -2)


def test_a_running_child_polls_as_running_until_it_is_killed(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _running(WAITS) as child:
            polls = [child.poll() for _ in range(5)]
            child.kill()
            return polls, child.wait()

    assert parity(body) == ([None] * 5, -9)


def test_signal_zero_asks_whether_it_is_there(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _running(WAITS) as child:
            alive = outcome(os.kill, child.pid, 0)
            child.kill()
            child.wait()
            return alive, outcome(os.kill, child.pid, 0)

    alive, gone = parity(body)
    assert alive is None
    assert isinstance(gone, ProcessLookupError)


def test_signals_to_a_child_that_has_ended(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with subprocess.Popen(["true"]) as child:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            zombie = outcome(os.kill, child.pid, signal.SIGTERM)
            child.wait()
            child.terminate()
            child.kill()
            return zombie, child.returncode, outcome(child.send_signal, signal.SIGTERM)

    assert parity(body) == (None, 0, None)


def test_a_signal_that_does_not_exist(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _running(WAITS) as child:
            wrong = outcome(os.kill, child.pid, 9999)
            child.kill()
            return wrong

    assert isinstance(parity(body), OSError)


@pytest.mark.parametrize("kwargs", [{"start_new_session": True}, {"process_group": 0}, {}], ids=str)
def test_sessions_and_groups(parity: Parity, kwargs: dict[str, Any]) -> None:
    def body(folder: Path) -> Any:
        with _running(WAITS, **kwargs) as child:
            group, session = os.getpgid(child.pid), os.getsid(child.pid)
            child.kill()
            child.wait()
            return (
                group == child.pid,
                group == os.getpgrp(),
                session == child.pid,
                session == os.getsid(0),
                type(outcome(os.getpgid, child.pid)),
            ) == (
                bool(kwargs),
                not kwargs,
                "start_new_session" in kwargs,
                "start_new_session" not in kwargs,
                ProcessLookupError,
            )

    assert parity(body)


def test_killing_a_group_with_grandchildren(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        command = ["sh", "-c", "sleep 100 & sleep 100 & echo up; wait"]
        with subprocess.Popen(command, stdout=PIPE, start_new_session=True) as child:
            assert child.stdout is not None
            up = child.stdout.readline()
            os.killpg(child.pid, signal.SIGKILL)
            return up, child.stdout.read(), child.wait()

    assert parity(body) == (b"up\n", b"", -9)


def test_joining_the_group_of_another_child(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _running(WAITS, process_group=0) as leader, _running(WAITS, process_group=leader.pid) as member:
            same = os.getpgid(member.pid) == leader.pid
            os.killpg(leader.pid, signal.SIGTERM)
            return same, leader.wait(), member.wait()

    assert parity(body) == (True, -15, -15)


@pytest.mark.skipif(not hasattr(os, "WCONTINUED"), reason="needs WCONTINUED")
def test_stop_and_continue(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        with _running(WAITS) as child:
            child.send_signal(signal.SIGSTOP)
            _, stopped = os.waitpid(child.pid, os.WUNTRACED)
            child.send_signal(signal.SIGCONT)
            _, continued = os.waitpid(child.pid, os.WCONTINUED)
            child.terminate()
            return (
                os.WIFSTOPPED(stopped),
                os.WSTOPSIG(stopped),
                os.WIFCONTINUED(continued),
                child.wait(),
            )

    assert parity(body) == (True, signal.SIGSTOP, True, -15)


def test_a_child_that_stops_itself(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        code = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP); os.write(1, b'went on')"
        with subprocess.Popen(python(code), stdout=PIPE) as child:
            _, status = os.waitpid(child.pid, os.WUNTRACED)
            child.send_signal(signal.SIGCONT)
            return os.WIFSTOPPED(status), child.communicate(), child.returncode

    assert parity(body) == (True, (b"went on", None), 0)


def test_dying_of_a_broken_pipe(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        done = subprocess.run("yes | head -n 2", shell=True, capture_output=True, text=True)
        return done.stdout, done.returncode

    assert parity(body) == ("y\ny\n", 0)


def test_waiting_twice_and_polling_after(parity: Parity) -> None:
    def body(folder: Path) -> Any:
        child = subprocess.Popen(["sh", "-c", "exit 7"])
        return (
            child.wait(),
            child.wait(),
            child.poll(),
            child.wait(timeout=1),
            outcome(os.waitpid, child.pid, 0),
        )

    *codes, error = parity(body)
    assert codes == [7, 7, 7, 7]
    assert isinstance(error, ChildProcessError)
