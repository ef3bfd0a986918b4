"""Commands that misbehave while they are recorded: each ends in bounded time and memory, and is told so."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from tests.options.project import Project
from tests.patience import patiently

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="who lost its parent is found in /proc"
)

TEST = """
    import subprocess, sys, pytest

    CODE = '''{code}'''

    @pytest.mark.tape({settings})
    def test_it(tape):
        try:
            subprocess.run([sys.executable, "-c", CODE], {streams})
        finally:
            print("status:", *[(one.status, one.is_alive) for one in tape.children])
"""
PIPES = "stdout=subprocess.PIPE, stderr=subprocess.PIPE"

MEMORY = """
    import pathlib, resource

    def pytest_unconfigure():
        try:
            # That of this program: what rusage tells begins with the size of the process that started it.
            peak = pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
        except OSError:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print("peak:", peak)
"""

# Each process starts others for as long as there is a token left, so that the bomb has an end if we fail.
FORK_BOMB = r"""
import os, signal, time
tokens, more = os.pipe()
os.write(more, b"x" * 300)
if {stubborn}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
while os.read(tokens, 1):
    time.sleep(0.002)
    if not os.fork():
        open("pids", "a").write(str(os.getpid()) + chr(10))
"""


def errors(result: pytest.RunResult) -> str:
    return "\n".join(line[4:] for line in result.outlines if line.startswith("E   "))


def gone(pid: int) -> bool:
    """Whether a process that has been killed is gone; the kernel takes a moment."""
    try:
        end = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([end], [], [], 30)[0])
    finally:
        os.close(end)


def write(project: Project, code: str, settings: str, streams: str = PIPES) -> None:
    text = TEST.replace("'''{code}'''", repr(code))
    project.write(text.replace("{settings}", settings).replace("{streams}", streams))


def record(project: Project, code: str, wanted: int = 1) -> tuple[float, pytest.RunResult, list[int]]:
    """Record what runs out of time, with one in which it tells of as many processes; that, and their pids."""
    path = project.path / "pids"

    def attempt(limit_s: float) -> tuple[float, pytest.RunResult, list[int]]:
        project.forget_tapes()
        path.write_text("")
        write(project, code, f"spawn_timeout={limit_s}")
        recorded = project.record(failed=1)
        return limit_s, recorded, [int(line) for line in path.read_text().split()]

    recorded = patiently(attempt, lambda one: len(one[2]) >= wanted, 2)
    assert len(recorded[2]) >= wanted
    return recorded


@needs_proc
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_fork_bomb(project: Project, stubborn: bool) -> None:
    limit_s, recorded, pids = record(project, FORK_BOMB.replace("{stubborn}", str(stubborn)), 6)
    assert f"timed out after {limit_s} s (marker)" in errors(recorded)
    assert "status: ('timed out', False)" in recorded.stdout.str()
    assert [pid for pid in pids if not gone(pid)] == []
    assert errors(project.replay(failed=1)) == errors(recorded)


@needs_proc
def test_one_that_closes_its_pipes_leaves_its_session_and_lives_on(project: Project) -> None:
    code = (
        "import os, time\n"
        "if os.fork(): time.sleep(600)\n"
        "os.setsid(); os.closerange(0, 3)\n"
        "open('pids', 'w').write(str(os.getpid()))\n"
        "time.sleep(600)"
    )
    limit_s, recorded, [pid] = record(project, code)
    assert f"timed out after {limit_s} s (marker)" in errors(recorded)
    assert gone(pid)


def test_one_that_ignores_being_asked_is_killed(project: Project) -> None:
    code = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('x', flush=True)\ntime.sleep(600)"
    write(project, code, "spawn_timeout=1")
    recorded = project.record(failed=1)
    assert "timed out after 1 s (marker)" in errors(recorded)
    (entry,) = project.entries()
    assert entry["signal"] in ("SIGKILL", "SIGTERM")
    assert entry["timed_out"] == "timed out after 1 s (marker)"
    assert "status: ('timed out', False)" in project.replay(failed=1).stdout.str()


@pytest.mark.parametrize("streams", [PIPES, "stdout=open('out', 'wb')"], ids=["pipe", "file"])
def test_one_that_writes_ten_gigabytes(project: Project, streams: str) -> None:
    code = "import os\nfor _ in range(10_000): os.write(1, bytes(1_000_000))"
    write(project, code, "max_output='16M'", streams)
    project.write(MEMORY, "conftest.py")
    recorded = project.run_apart("--record-tapes", "-s")
    recorded.assert_outcomes(failed=1)
    assert "wrote more than 16,777,216 bytes (tapes_max_output)" in errors(recorded)
    assert "status: ('output limit', False)" in recorded.stdout.str()
    [peak] = [int(line.split()[-1]) for line in recorded.outlines if "peak:" in line]
    # In KiB on Linux: the interpreter with pytest and pydantic, and a few times the limit.
    assert peak < 400 << 10
    if streams != PIPES:
        assert (project.path / "out").stat().st_size <= 16 << 20


def test_one_that_never_stops_complaining_goes_on_and_is_cut(project: Project) -> None:
    code = "import os\nfor _ in range(300): os.write(2, bytes(1_000_000))"
    write(project, code, "max_output='1M'")
    project.write(MEMORY, "conftest.py")
    recorded = project.run_apart("--record-tapes", "-s")
    recorded.assert_outcomes(passed=1)
    [peak] = [int(line.split()[-1]) for line in recorded.outlines if "peak:" in line]
    assert peak < 400 << 10
    assert "status: ('exited', False)" in recorded.stdout.str()
