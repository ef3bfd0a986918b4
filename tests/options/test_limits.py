"""The limits of a recording: time for a command, time for a test, bytes, children at once."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.child import warden
from tests.options.project import ON_WORKERS, Project
from tests.patience import patiently

SLEEP = """
    import subprocess, pytest

    @pytest.mark.tape(spawn_timeout=0.1)
    def test_it():
        subprocess.run(["sleep", "600"])
"""


def errors(result: pytest.RunResult) -> str:
    return "\n".join(line[4:] for line in result.outlines if line.startswith("E   "))


def ends(pid: int) -> bool:
    """Whether a process that has been killed is gone; the kernel takes a moment."""
    try:
        end = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([end], [], [], 60)[0])
    finally:
        os.close(end)


# -- time for a command ------------------------------------------------------------------------


def test_a_command_past_its_time_is_ended_and_replays_the_same_way(project: Project) -> None:
    project.write(SLEEP)
    told = errors(project.record(failed=1))
    assert "SpawnTimeout: `sleep 600` timed out after 100 ms (marker)" in told
    assert "started at test_it.py:5 in test_it()" in told
    assert "pytest --record-tapes test_it.py::test_it" in told
    (entry,) = project.entries()
    assert entry["timed_out"] == "timed out after 100 ms (marker)"
    assert entry["signal"] == "SIGTERM"
    assert errors(project.replay(failed=1)) == told


def test_recording_it_again_leaves_the_tape_as_it_is(project: Project) -> None:
    project.write(SLEEP)
    project.record(failed=1)
    before = project.tape().read_bytes()
    project.record(failed=1)
    assert project.tape().read_bytes() == before


def test_a_good_tape_is_not_replaced_by_one_of_a_limit(project: Project) -> None:
    project.write(SLEEP)
    project.edit('"600"', '"0"')
    project.edit("timeout=0.1", "timeout=600")
    project.record()
    before = project.tape().read_bytes()
    project.edit('"0"', '"600"')
    project.edit("timeout=600", "timeout=0.1")
    result = project.record(failed=1)
    assert project.tape().read_bytes() == before
    assert "test_it.json.failed" in result.stdout.str()


@pytest.mark.parametrize(
    "marker, flag, ini, words",
    [
        (0.1, "30", "40", "timed out after 100 ms (marker)"),
        (None, "0.2", "40", "timed out after 200 ms (--tapes-spawn-timeout)"),
        (None, None, "0.15", "timed out after 150 ms (tapes_spawn_timeout in pytest.ini)"),
    ],
)
def test_who_set_the_limit(
    project: Project, marker: float | None, flag: str | None, ini: str, words: str
) -> None:
    project.write(SLEEP)
    project.edit("spawn_timeout=0.1", "" if marker is None else f"spawn_timeout={marker}")
    project.ini(f"tapes_spawn_timeout = {ini}")
    told = errors(project.record(*([] if flag is None else [f"--tapes-spawn-timeout={flag}"]), failed=1))
    assert words in told


def test_a_limit_that_nothing_reaches_changes_nothing(project: Project) -> None:
    project.write("""
        import subprocess, pytest

        @pytest.mark.tape(spawn_timeout=100, test_timeout=100, max_output=3, max_children=1)
        def test_it():
            for _ in range(2):
                assert subprocess.run(["echo", "ab"], capture_output=True).stdout == b"ab\\n"
    """)
    project.record()
    project.replay()


def test_a_zero_takes_a_limit_back(project: Project) -> None:
    project.write(SLEEP)
    project.edit("spawn_timeout=0.1", "spawn_timeout=0")
    project.edit("600", "0.2")
    project.ini("tapes_spawn_timeout = 0.01")
    project.record()


def test_the_timeout_of_the_call_is_another_thing(project: Project) -> None:
    project.write("""
        import subprocess, pytest

        @pytest.mark.tape(spawn_timeout=100)
        def test_it():
            with pytest.raises(subprocess.TimeoutExpired):
                subprocess.run(["sleep", "600"], timeout=0.05)
    """)
    project.record()
    assert "timed_out" not in project.entries()[0]
    project.replay()


def test_a_swallowed_timeout_fails_the_test_all_the_same(project: Project) -> None:
    project.write("""
        import subprocess, pytest

        @pytest.mark.tape(spawn_timeout=0.1)
        def test_it():
            try:
                subprocess.run(["sleep", "600"])
            except Exception:
                pass
    """)
    for result in (project.record(failed=1), project.replay(failed=1)):
        assert "timed out after 100 ms (marker)" in errors(result)


def test_asyncio(project: Project) -> None:
    project.write("""
        import asyncio, pytest

        @pytest.mark.tape(spawn_timeout=0.1)
        def test_it():
            async def main():
                child = await asyncio.create_subprocess_exec("sleep", "600")
                await child.wait()
            asyncio.run(main())
    """)
    for result in (project.record(failed=1), project.replay(failed=1)):
        assert "timed out after 100 ms (marker)" in errors(result)


def test_what_it_said_before_is_kept(project: Project) -> None:
    def attempt(limit_s: float) -> tuple[float, Any]:
        project.forget_tapes()
        project.write(f"""
            import subprocess, pytest

            @pytest.mark.tape(spawn_timeout={limit_s})
            def test_it():
                command = ["sh", "-c", "echo begun; exec sleep 600"]
                with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
                    child.stdout.readline()
                    child.communicate()
        """)
        project.record(failed=1)
        return limit_s, project.entries()[0].get("stdout")

    limit_s, said = patiently(attempt, lambda one: bool(one[1]), 2)
    assert said == ["begun\n"]
    assert f"timed out after {limit_s} s (marker)" in errors(project.replay(failed=1))


# What a program does with a signal it has from before its first moment: the limit may be over by then.
IGNORES = "signal.signal(15, signal.SIG_IGN)"
BLOCKS = "signal.pthread_sigmask(signal.SIG_BLOCK, [15])"


@pytest.mark.parametrize(
    "before, code, ended",
    [
        pytest.param(IGNORES, "pass", "SIGKILL", id="ignores SIGTERM"),
        pytest.param(BLOCKS, "signal.sigwait([15]); os._exit(0)", None, id="ends well"),
        pytest.param("None", "os.close(1); os.close(2)", "SIGTERM", id="closes its outputs"),
        pytest.param("None", "os.setpgid(0, 0)", "SIGTERM", id="leads a group"),
        pytest.param("None", "os.fork() or os.fork()", "SIGTERM", id="forks"),
    ],
)
def test_stubborn_children(
    project: Project, monkeypatch: pytest.MonkeyPatch, before: str, code: str, ended: str | None
) -> None:
    if ended is None:
        # Long enough for it to come to that.
        monkeypatch.setattr(warden, "GRACE_NS", 60 * 10**9)
    project.write(f"""
        import signal, subprocess, sys, pytest

        @pytest.mark.tape(spawn_timeout=0.3)
        def test_it():
            code = "import os, signal, time; {code}; time.sleep(600)"
            before = lambda: {before}
            subprocess.run([sys.executable, "-c", code], capture_output=True, preexec_fn=before)
    """)
    project.record(failed=1)
    (entry,) = project.entries()
    assert entry["timed_out"].startswith("timed out after")
    assert entry.get("signal") == ended
    assert "SpawnTimeout" in errors(project.replay(failed=1))


ORPHANS = """
    import subprocess, sys, pytest

    CODE = "\\n".join([
        "import os, signal, time",
        "signal.signal(15, signal.SIG_IGN)",
        "for generation in range(40):",
        # The parent goes, its child goes on: nobody is left who could be found by its parent.
        "    if os.fork():",
        "        if generation: os._exit(0)",
        "        time.sleep(600)",
        "    open('pids', 'a').write(f'{os.getpid()}\\\\n')",
        "    if not os.fork(): time.sleep(600)",
        "time.sleep(600)",
    ])

    @pytest.mark.tape(spawn_timeout=LIMIT_S)
    def test_it():
        subprocess.run([sys.executable, "-c", CODE], stdout=subprocess.PIPE)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="who lost its parent is found in /proc")
def test_none_of_a_brood_that_loses_its_parents_is_left(project: Project) -> None:
    path = project.path / "pids"

    def attempt(limit_s: float) -> list[int]:
        project.forget_tapes()
        path.write_text("")
        project.write(ORPHANS.replace("LIMIT_S", str(limit_s)))
        assert f"timed out after {limit_s} s (marker)" in errors(project.record(failed=1))
        return [int(line) for line in path.read_text().split()]

    pids = patiently(attempt, bool, 2)
    assert pids
    assert [pid for pid in pids if not ends(pid)] == []


def test_pytest_and_its_group_are_never_signalled(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[int] = []
    before = {number: signal.signal(number, lambda n, _: got.append(n)) for number in (15, 18)}
    try:
        project.write(SLEEP)
        project.record(failed=1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert got == []
    assert os.getpgrp() == os.getpgid(0)


# -- time for a test ---------------------------------------------------------------------------


def test_the_ceiling_of_a_test(project: Project) -> None:
    project.write("""
        import subprocess

        def test_it(tape):
            subprocess.run(["true"])
            try:
                subprocess.run(["sleep", "600"])
            finally:
                subprocess.run(["echo", "more"])
    """)

    def attempt(limit_s: float) -> tuple[float, str]:
        project.forget_tapes()
        project.ini(f"tapes_test_timeout = {limit_s}")
        return limit_s, errors(project.record(failed=1))

    limit_s, told = patiently(attempt, lambda _: project.commands() == ["true", "sleep 600"], 1)
    words = f"timed out after {limit_s} s (test ceiling {limit_s} s)"
    assert words in told
    assert "`echo more` was not started" in told
    assert project.entries()[1]["timed_out"] == words


# -- under a mock clock ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call", ["child.wait()", "child.wait(timeout=3600)", "time.sleep(0.5); child.wait()"]
)
def test_a_watchdog_counts_real_time_under_a_mock_clock(project: Project, call: str) -> None:
    project.write(f"""
        import subprocess, time, pytest

        @pytest.mark.tape(spawn_timeout=0.2, clock=True)
        def test_it():
            began = time.monotonic()
            child = subprocess.Popen(["sleep", "600"])
            try:
                {call}
            finally:
                child.kill()
                print("passed", round(time.monotonic() - began, 3) < 60)
    """)
    recorded = project.record(failed=1)
    told = errors(recorded)
    assert "SpawnTimeout: `sleep 600` timed out after 200 ms (marker)" in told
    assert "passed True" in recorded.stdout.str()
    (entry,) = project.entries()
    assert entry["timed_out"] == "timed out after 200 ms (marker)"
    replayed = project.replay(failed=1)
    assert errors(replayed) == told
    assert "passed True" in replayed.stdout.str()


# -- bytes -------------------------------------------------------------------------------------

WRITES = """
    import subprocess, sys, pytest

    @pytest.mark.tape(max_output=1000)
    def test_it():
        code = "import sys; sys.{stream}.write('x' * {count})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True)
        print("got", len(done.stdout), done.stderr)
"""


def test_stdout_may_reach_its_limit(project: Project) -> None:
    project.write(WRITES.format(stream="stdout", count=1000))
    project.record()
    assert project.entries()[0]["stdout"] == "x" * 1000 or project.entries()[0]["stdout"] == ["x" * 1000]
    project.replay()


def test_one_byte_more_is_an_error(project: Project) -> None:
    project.write(WRITES.format(stream="stdout", count=1001))
    told = errors(project.record(failed=1))
    assert "OutputLimitExceeded" in told
    assert "wrote more than 1,000 bytes (tapes_max_output)" in told
    (entry,) = project.entries()
    assert len("".join(entry["stdout"])) == 1000
    assert entry["output_limit"] == "wrote more than 1,000 bytes (tapes_max_output)"
    assert errors(project.replay(failed=1)) == told


def test_stderr_may_reach_its_limit(project: Project) -> None:
    project.write(WRITES.format(stream="stderr", count=1000))
    project.record()
    assert "".join(project.entries()[0]["stderr"]) == "x" * 1000


def test_stderr_is_cut_one_byte_later_with_a_mark(project: Project) -> None:
    project.write(WRITES.format(stream="stderr", count=1001))
    recorded = project.run("--record-tapes", "-s")
    assert recorded.ret == 0
    kept = "".join(project.entries()[0]["stderr"])
    assert kept == "x" * 1000 + "\n[stderr cut by pytest-proctape after 1,000 bytes (tapes_max_output)]\n"
    replayed = project.run("-s")
    assert [line for line in replayed.outlines if "got" in line] == [
        line for line in recorded.outlines if "got" in line
    ]


def test_who_never_stops_writing_is_stopped(project: Project) -> None:
    project.write("""
        import subprocess, pytest

        @pytest.mark.tape(max_output="1M")
        def test_it():
            subprocess.run(["yes"], capture_output=True)
    """)
    assert "wrote more than 1,048,576 bytes" in errors(project.record(failed=1))
    project.replay(failed=1)


TERMINAL = """
    import os, pty, subprocess, sys, pytest

    @pytest.mark.tape(max_output=1000)
    def test_it():
        master, slave = pty.openpty()
        code = "import sys; sys.stdout.write('x' * {count})"
        try:
            child = subprocess.Popen([sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave)
            os.close(slave)
            try:
                while os.read(master, 4096):
                    pass
            except OSError:
                pass
            child.wait()
        finally:
            os.close(master)
"""


@pytest.mark.parametrize("count, outcome", [(1000, "passed"), (1001, "failed")])
def test_a_terminal_is_an_output_as_well(project: Project, count: int, outcome: str) -> None:
    project.write(TERMINAL.format(count=count))
    told = errors(project.record(**{outcome: 1}))
    assert ("wrote more than 1,000 bytes (tapes_max_output)" in told) == (outcome == "failed")
    (entry,) = project.entries()
    said = [event["stdout"] for event in entry.get("timeline", [entry]) if event.get("stdout")]
    assert "".join("".join(one) for one in said) == "x" * 1000
    assert errors(project.replay(**{outcome: 1})) == told


def test_what_is_written_back_through_a_socket_is_output_as_well(project: Project) -> None:
    project.write("""
        import socket, subprocess, sys, pytest

        @pytest.mark.tape(max_output=1000)
        def test_it():
            ours, theirs = socket.socketpair()
            code = "import os; os.write(0, b'x' * 1001)"
            with ours:
                with theirs:
                    child = subprocess.Popen([sys.executable, "-c", code], stdin=theirs)
                while ours.recv(4096):
                    pass
                child.wait()
    """)
    assert "wrote more than 1,000 bytes (tapes_max_output)" in errors(project.record(failed=1))


# -- children at once --------------------------------------------------------------------------


@pytest.mark.parametrize("count, outcome", [(3, "passed"), (4, "failed")])
def test_children_at_once(project: Project, count: int, outcome: str) -> None:
    project.write(f"""
        import subprocess, pytest

        @pytest.mark.tape(max_children=3)
        def test_it():
            children = []
            try:
                for _ in range({count}):
                    children.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE))
            finally:
                for child in children:
                    child.communicate()
    """)
    result = project.record(**{outcome: 1})
    if outcome == "failed":
        assert "TooManyChildren: `cat` was not started: 3 are running at once" in errors(result)


# -- what is not understood --------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, told",
    [
        ("tapes_spawn_timeout = soon", "is a number of seconds, as in 2.5, or 0 for no limit, not 'soon'"),
        ("tapes_test_timeout = -1", "is a number of seconds"),
        ("tapes_max_output = much", "is a number of bytes above 0, as in 1048576 or 64M, not 'much'"),
        ("tapes_max_children = 0", "is a whole number above 0, not '0'"),
    ],
)
def test_values_that_are_none(project: Project, line: str, told: str) -> None:
    project.write(SLEEP)
    project.ini(line)
    result = project.run_apart()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()


def test_on_workers(project: Project) -> None:
    pytest.importorskip("xdist")
    project.write(SLEEP)
    result = project.run("--record-tapes", *ON_WORKERS)
    assert "timed out after 100 ms (marker)" in errors(result)
