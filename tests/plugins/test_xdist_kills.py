"""A worker that is killed while it records: every tape loads, and none is lost that was there before."""

from __future__ import annotations

import os

import pytest

from pytest_proctape.tape import TapeStore, loads
from tests.options.project import Project, counted

pytest.importorskip("xdist")

KILLS = int(os.environ.get("PROCTAPE_KILLS", "3"))
"""How many; tox -e kills asks for more."""
TESTS = 24

SUITE = f"""
    import os, subprocess
    import pytest

    @pytest.fixture(scope="session")
    def wide():
        yield subprocess.check_output(["echo", "wide"])
        subprocess.check_output(["echo", "end"])

    @pytest.mark.parametrize("number", range({TESTS}))
    def test_it(tape, wide, number):
        # A part of it is a payload of its own.
        size = 200_000 if number % 10 == 0 else 100
        command = ["sh", "-c", f"head -c {{size}} /dev/zero | tr '\\\\0' x; echo $VERSION"]
        assert subprocess.check_output(command)
"""
# At the chosen call among all that put a file in its place, before it, in the middle, or after it.
KILLER = """
    import os, signal

    WHERE = int(os.environ.get("KILL_AT", "-1"))
    MOMENT = os.environ.get("KILL_WHEN", "")
    count = 0

    def counted(real):
        def call(*arguments, **options):
            global count
            if not os.environ.get("PYTEST_XDIST_WORKER"):
                return real(*arguments, **options)
            count += 1
            mine = count == WHERE and not os.path.exists("killed")
            if mine:
                open("killed", "w").close()
            if mine and MOMENT == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return real(*arguments, **options)
            finally:
                if mine:
                    os.kill(os.getpid(), signal.SIGKILL)
        return call

    for name in ("replace", "fsync", "fdatasync", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))
"""


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_worker_loses_nothing(
    project: Project, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(SUITE)
    project.write(KILLER, "conftest.py")
    options = ("-p", "xdist", "-n", "2", "--record-tapes")
    monkeypatch.setenv("VERSION", "1")
    project.run_apart(*options).assert_outcomes(passed=TESTS)
    before = set(project.tapes())

    monkeypatch.setenv("VERSION", "2")
    monkeypatch.setenv("KILL_AT", str(1 + number * 17 % TESTS))
    monkeypatch.setenv("KILL_WHEN", ("before", "after")[number % 2])
    result = project.run_apart(*options)
    assert (project.path / "killed").exists()
    # xdist replaces the worker, and tells of the test that it was running.
    assert "crashed while running" in str(result.stdout)

    store = TapeStore(project.path / "tapes")
    for name in project.tapes():
        if name.endswith(".json"):
            tape = loads((store.root / name).read_bytes(), store.root / name)
            assert all(entry.stdout is None or store.decode(entry.stdout).bytes() for entry in tape.entries)
    assert before <= set(project.tapes())

    monkeypatch.delenv("KILL_AT")
    project.run_apart(*options).assert_outcomes(passed=TESTS)
    monkeypatch.setenv("PATH", "")
    replayed = project.run_apart("-p", "xdist", "-n", "2")
    replayed.assert_outcomes(passed=TESTS)
    plain = project.run_apart()
    plain.assert_outcomes(passed=TESTS)
    assert counted(plain).partition(";")[0] == counted(replayed).partition(";")[0]


@pytest.mark.parametrize("options", [("-n", "8", "--maxprocesses", "2"), ("-n", "2", "--dist", "each")])
def test_other_ways_to_share_the_work(project: Project, options: tuple[str, ...]) -> None:
    project.write(SUITE)
    project.run_apart("-p", "xdist", *options, "--record-tapes").assert_outcomes(
        passed=TESTS * (2 if "each" in options else 1)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        project.run_apart("-p", "xdist", *options).assert_outcomes(
            passed=TESTS * (2 if "each" in options else 1)
        )
        project.run_apart().assert_outcomes(passed=TESTS)
