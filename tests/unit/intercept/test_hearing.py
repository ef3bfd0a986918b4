"""What a recording by the short road leaves behind, and when it is not taken; parity takes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape import use_tape
from pytest_proctape.child import GUARDIAN, HeardChild, RecordingChild, Streams
from pytest_proctape.errors import OutputLimitExceeded
from pytest_proctape.intercept import bare
from pytest_proctape.session.hearing import Hearing
from pytest_proctape.tape import SpawnError


@pytest.fixture(scope="module", autouse=True)
def guardian() -> None:
    """There is one for the whole process, and it is nobody's leak."""
    GUARDIAN.engage()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that were recorded by the short road."""
    programs: list[str] = []
    real = Hearing.hear

    def hear(self: Any, spawn: Any, *rest: Any) -> Any:
        programs.append(spawn.program)
        return real(self, spawn, *rest)

    monkeypatch.setattr(Hearing, "hear", hear)
    return programs


def entries(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_bytes())["entries"]
    return found


def test_what_can_be_looked_at(tmp_path: Path, heard: list[str]) -> None:
    with use_tape(tmp_path / "tape.json", mode="record") as tape:
        subprocess.run(["sh", "-c", "echo x; exit 2"], capture_output=True)
        subprocess.run(["echo", "y"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert [(one.argv[0], one.returncode, one.stdout) for one in tape.spawns] == [
            ("sh", 2, b"x\n"),
            ("echo", 0, b"y\n"),
        ]
        assert [one.status for one in tape.children] == ["exited", "exited"]
        assert all("test_hearing.py" in one.place for one in tape.children)
    assert heard == ["sh", "echo"]


class Interruption(Exception):
    """Raised by a handler of signals."""


def test_an_interruption_ends_the_child(tmp_path: Path, heard: list[str]) -> None:
    def interrupt(*_: object) -> None:
        raise Interruption

    path = tmp_path / "tape.json"
    # Once it has been sent something, the call has come to where it listens.
    command = ["sh", "-c", "read word; kill -USR1 $PPID; exec sleep 60"]
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with use_tape(path, mode="record"), pytest.raises(Interruption):
            subprocess.run(command, input=b"go\n", capture_output=True)
    finally:
        signal.signal(signal.SIGUSR1, before)
    (entry,) = entries(path)
    assert entry["signal"] == "SIGKILL"
    assert heard == ["sh"]


def test_a_limit_of_outputs(tmp_path: Path, heard: list[str]) -> None:
    with (
        pytest.raises(OutputLimitExceeded),
        use_tape(tmp_path / "tape.json", mode="record", max_output="1K"),
    ):
        subprocess.run(["yes"], capture_output=True)
    assert heard == ["yes"]


def test_who_is_cut_off_hears_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poll_ms: list[float] = []

    def step(self: HeardChild) -> bool:
        # What a limit does, from another thread, in the end.
        for ear in self.ears.values():
            ear.close()
        poll_ms.append(0)
        return False

    monkeypatch.setattr(HeardChild, "step", step)
    with use_tape(tmp_path / "tape.json", mode="record"):
        assert subprocess.run(["echo", "x"], capture_output=True).stdout == b""
    assert poll_ms


_GENERAL: dict[str, Callable[[], Any]] = {
    "inherited": lambda: subprocess.run(["true"]),
    "much input": lambda: subprocess.run(["cat"], input=b"x" * 4097, capture_output=True),
    "popen": lambda: subprocess.Popen(["true"], stdout=subprocess.PIPE).communicate(),
}


@pytest.mark.parametrize("call", _GENERAL.values(), ids=_GENERAL)
def test_the_general_road(tmp_path: Path, heard: list[str], call: Callable[[], Any]) -> None:
    with use_tape(tmp_path / "tape.json", mode="record"):
        call()
    assert heard == []
    assert len(entries(tmp_path / "tape.json")) == 1


def test_a_time_limit_takes_the_general_road(tmp_path: Path, heard: list[str]) -> None:
    with use_tape(tmp_path / "tape.json", mode="record", spawn_timeout=60):
        subprocess.run(["true"], capture_output=True)
    assert heard == []


def test_a_child_that_is_answered_after_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hearing, "hears", True)
    monkeypatch.setattr(Hearing, "_has_company", lambda _: True)
    with use_tape(tmp_path / "tape.json", mode="record") as tape:
        tape.add(["no-such-tool"], stdout="said\n", exit_code=3)
        done = subprocess.run(["no-such-tool"], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "")


@pytest.mark.parametrize(
    "error, kind, filename",
    [
        (SpawnError(type="OSError", errno="ENOENT", message=""), FileNotFoundError, "tool"),
        (SpawnError(type="OSError", errno="EACCES", message="noexec:chdir"), PermissionError, "/folder"),
        (SpawnError(type="OSError", errno="ENOENT", message="noexec"), FileNotFoundError, None),
    ],
)
def test_errors(error: SpawnError, kind: type[OSError], filename: str | None) -> None:
    raised = bare.error_to_raise(error, "tool", "/folder")
    assert isinstance(raised, kind)
    assert raised.filename == filename
    assert raised.strerror == os.strerror(raised.errno or 0)


def test_an_error_that_is_none_of_the_system() -> None:
    raised = bare.error_to_raise(SpawnError(type="Odd", errno="", message="said"), "tool", None)
    assert type(raised) is subprocess.SubprocessError
    assert str(raised) == "said"


def test_streams_are_made_in_the_order_of_cpython() -> None:
    pipes = bare.Pipes()
    pipes.open(Streams((1,), together=True), has_stdin=True)
    p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = pipes.handles
    assert -1 < p2cread < c2pread < c2pwrite == errwrite
    assert (p2cwrite, errread) == (-1, -1)
    ends = pipes.ends
    assert list(ends) == [1]
    pipes.close_childs()
    assert os.read(ends[1].fileno(), 1) == b""
    ends[1].close()
    assert ends[1].fileno() == -1
    ends[1].close()


def test_the_general_child_can_listen_too(tmp_path: Path, heard: list[str], capfd: Any) -> None:
    kinds: list[type] = []
    real = RecordingChild.started

    def started(self: RecordingChild, pid: int) -> None:
        kinds.append(type(self))
        real(self, pid)

    with pytest.MonkeyPatch.context() as patch, use_tape(tmp_path / "tape.json", mode="record"):
        patch.setattr(RecordingChild, "started", started)
        assert subprocess.check_output(["sh", "-c", "echo out; echo err >&2"]) == b"out\n"
    assert capfd.readouterr().err == "err\n"
    assert kinds == [RecordingChild]
    (entry,) = entries(tmp_path / "tape.json")
    assert (entry["stdout"], entry["stderr"]) == (["out\n"], ["err\n"])
    assert heard == []
