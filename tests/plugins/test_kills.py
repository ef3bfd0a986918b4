"""pytest killed at random moments while it records: no tape unreadable, no payload cut off, no child left."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_proctape
from pytest_proctape.tape import TapeStore, loads, payload_hash, payloads_of
from tests.options.project import PLUGIN, Project

KILLS = int(os.environ.get("PROCTAPE_KILLS", "3"))
"""How many; tox -e kills asks for more."""
SOURCE = str(Path(pytest_proctape.__file__).parents[1])
NONE_LEFT_S = 30
"""Seconds in which a child that was killed is gone, on the slowest of machines."""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="whose child a process was is found in /proc"
)

# Every child notes its pid before anything else; one has a child of its own in a session of its own.
SUITE = """
    import subprocess
    import pytest

    NOTE = "echo $$ >>pids; "

    @pytest.mark.parametrize("number", range(12))
    def test_it(tape, number):
        stays = subprocess.Popen(["sh", "-c", NOTE + "exec sleep 600"], stdout=subprocess.PIPE)
        brood = NOTE + f"setsid sh -c '{NOTE}exec sleep 600' & trap '' TERM; read a; kill -9 $!"
        with subprocess.Popen(["sh", "-c", brood], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
            # A part of it is a payload of its own.
            says = f"{NOTE}head -c {150_000 if number % 3 == 0 else 100} /dev/zero | tr '\\\\0' x; date +%N"
            assert subprocess.check_output(["sh", "-c", says])
            parent.communicate(b"go on\\n")
        stays.kill()
        stays.wait()
        stays.stdout.close()
"""


def recording(project: Project) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": SOURCE, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", *PLUGIN, "-q", "--record-tapes"]
    return subprocess.Popen(
        command,
        cwd=project.path,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def noted(project: Project) -> int:
    """How many children have been started."""
    notes = project.path / "pids"
    return notes.read_bytes().count(b"\n") if notes.exists() else 0


def left(project: Project) -> list[str]:
    """The children that live on, with what they are."""
    notes = project.path / "pids"
    pids = [int(line) for line in notes.read_text().split()] if notes.exists() else []
    notes.unlink(missing_ok=True)
    found = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            end = os.pidfd_open(pid)
            try:
                if not select.select([end], [], [], NONE_LEFT_S)[0]:
                    found.append(f"{pid} {Path(f'/proc/{pid}/cmdline').read_bytes()!r}")
                    os.kill(pid, signal.SIGKILL)
            finally:
                os.close(end)
    return found


def check_tapes(project: Project) -> int:
    """Every tape loads and every payload is whole; how many tapes there are."""
    store = TapeStore(project.path / "tapes")
    names = project.tapes()
    tapes = [store.root / name for name in names if name.endswith(".json")]
    for path in tapes:
        for payload in payloads_of(loads(path.read_bytes(), path)):
            assert store.decode(payload).size == payload.size
    for name in names:
        path = store.root / name
        if name.startswith("_payloads/") and len(path.name) >= 64:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == payload_hash(path), name
    return len(tapes)


def test_pytest_killed_while_it_records(project: Project) -> None:
    project.write(SUITE)
    assert recording(project).wait() == 0
    assert left(project) == []
    count = check_tapes(project)
    assert count == 12
    chance = random.Random(8)
    killed = 0
    for number in range(KILLS):
        run = recording(project)
        started = chance.randrange(4 * count - 8)
        with contextlib.suppress(subprocess.TimeoutExpired):
            while run.poll() is None and noted(project) <= started:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.wait(0.002)
            # Anywhere between this child and the next ones.
            run.wait(chance.uniform(0, 0.05))
        killed += run.poll() is None
        run.kill()
        run.wait()
        assert left(project) == [], f"kill {number + 1}"
        # A tape that was there is there, in its old or its new form.
        assert check_tapes(project) == count, f"kill {number + 1}"
    assert killed
    assert recording(project).wait() == 0
    assert left(project) == []
