"""The judge itself: what it finds, and that it can't be talked out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance import judge, run, sources, ways
from tests.conformance.ways import Outcome, WayResult

NOTHING = judge.Known({}, {})

SUITE = """
import os, subprocess, sys, unittest
import pytest

def test_passes(): subprocess.run([sys.executable, "-c", ""], check=True)
def test_fails(): assert False
def test_skips(): pytest.skip("not today")
@pytest.mark.xfail
def test_expected(): assert False
def test_bad_teardown(request): request.addfinalizer(lambda: os.close(-1))
def test_hangs(): os.read(os.pipe()[0], 1)
def test_after_the_hang(): pass
def test_crashes(): os._exit(7)
def test_starts_by_every_road():
    for _ in range(2):
        pid = os.fork() or os._exit(0)
        os.waitpid(pid, 0)
    os.system("true")
    os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", ""], os.environ), 0)
    with pytest.raises(FileNotFoundError):
        os.posix_spawn("/there/is/no/such/program", ["it"], os.environ)

class TestCase(unittest.TestCase):
    def test_parts(self):
        with self.subTest("good"): pass
        with self.subTest("bad"): self.fail()
    def test_skips_a_part(self):
        with self.subTest("never"): self.skipTest("")
"""


def test_every_way_a_test_can_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "suite.py").write_text(SUITE)
    result = ways.run(str(tmp_path / "suite"), "bare", tmp_path / "scratch", limit_s=4)
    assert result.broken == ""
    assert {judge.short(test): outcome.result for test, outcome in result.tests.items()} == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_skips": "skipped",
        "test_expected": "xfailed",
        "test_bad_teardown": "failed",
        "test_hangs": "hung",
        "test_after_the_hang": "passed",
        "test_crashes": "crashed",
        "test_starts_by_every_road": "passed",
        "TestCase::test_parts": "failed",
        "TestCase::test_skips_a_part": "passed",
    }
    details = {judge.short(test): outcome.detail for test, outcome in result.tests.items()}
    assert "in test_hangs" in details["test_hangs"]
    assert "ended with 7" in details["test_crashes"]
    roads = next(outcome for test, outcome in result.tests.items() if test.endswith("every_road"))
    assert roads.started == {"fork": 2, "system": 1, "posix_spawn": 1}
    assert roads.tried == {"fork": 2, "system": 1, "posix_spawn": 2}
    assert result.children


def test_a_suite_that_does_not_load_is_broken(tmp_path: Path) -> None:
    (tmp_path / "suite.py").write_text("import no_such_module")
    assert "no_such_module" in ways.run(str(tmp_path / "suite"), "bare", tmp_path / "scratch").broken


def ways_of(bare: str, record: str, replay: str, **started: int) -> dict[ways.Way, WayResult]:
    return {
        "bare": WayResult({"suite.py::test": Outcome(bare)}),
        "record": WayResult({"suite.py::test": Outcome(record)}),
        "replay": WayResult({"suite.py::test": Outcome(replay, started=started)}),
    }


@pytest.mark.parametrize("result", ["passed", "failed", "skipped", "xfailed"])
def test_three_times_the_same_is_no_problem(result: str) -> None:
    verdict = judge.judge("suite", ways_of(result, result, result), NOTHING)
    assert verdict.problems == []
    assert verdict.ran == (result != "skipped")


def test_a_recording_that_differs_has_to_be_listed_as_such() -> None:
    exceptions = judge.Known({"test": "a reason"}, {"test": "a reason"})
    results = ways_of("passed", "failed", "failed", fork=1)
    assert judge.judge("suite", results, exceptions).problems == ["record: test: passed bare, failed now"]
    exceptions = judge.Known({"test": "a reason"}, {"test": "a reason"}, {"test": "a reason"})
    assert judge.judge("suite", results, exceptions).problems == []


@pytest.mark.parametrize("result", ["failed", "hung", "crashed", "skipped"])
def test_a_replay_that_differs_has_to_be_listed(result: str) -> None:
    results = ways_of("passed", "passed", result)
    assert judge.judge("suite", results, NOTHING).problems == [f"replay: test: passed bare, {result} now"]
    assert judge.judge("suite", results, judge.Known({"test": "a reason"}, {})).problems == []


def test_a_test_that_vanishes_differs() -> None:
    results = ways_of("passed", "passed", "passed")
    results["replay"].tests.clear()
    results["record"].tests["suite.py::other"] = Outcome("passed")
    assert judge.judge("suite", results, NOTHING).problems == [
        "record: other: absent bare, passed now",
        "replay: test: passed bare, absent now",
    ]


def test_a_listed_test_that_is_equal_has_to_go_from_the_list() -> None:
    listed = judge.Known({"test": "a reason"}, {})
    (problem,) = judge.judge("suite", ways_of("passed", "passed", "passed"), listed).problems
    assert "test is in exceptions.toml" in problem
    assert judge.judge("suite", ways_of("skipped", "skipped", "skipped"), listed).problems == []


def test_a_real_process_on_replay_has_to_be_listed() -> None:
    results = ways_of("passed", "passed", "passed", fork=2)
    assert judge.judge("suite", results, NOTHING).problems == ["real process: test: fork x2"]
    listed = judge.Known({}, {"test": "a reason"})
    assert judge.judge("suite", results, listed).problems == []
    (problem,) = judge.judge("suite", ways_of("passed", "passed", "passed"), listed).problems
    assert "test is in exceptions.toml" in problem


def test_the_kernel_is_asked_too() -> None:
    results = ways_of("passed", "passed", "passed")
    results["replay"].children = True
    (problem,) = judge.judge("suite", results, NOTHING).problems
    assert "nobody counted" in problem


def test_a_broken_way_is_a_problem() -> None:
    results = ways_of("passed", "passed", "passed")
    results["record"].broken = "no module named x"
    (problem,) = judge.judge("suite", results, NOTHING).problems
    assert problem == "record: the suite does not run: no module named x"


def test_the_share_counts_what_runs_bare() -> None:
    good = judge.Verdict("one", ran=99, differs={"record": {}, "replay": {"a": ""}})
    assert judge.share([good]) == pytest.approx(98 / 99)
    assert judge.share([good, judge.Verdict("two", ran=1, differs={"replay": {}})]) == 0.99
    assert judge.share([judge.Verdict("none", skipped="no such module")]) == 1.0


def test_exceptions_hold_for_their_versions(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.toml"
    file.write_text(
        '[[replay]]\nsuite = "one"\ntests = ["a", "b"]\nreason = "because"\n'
        '[[replay]]\nsuite = "one"\ntests = ["c"]\nfirst = "3.12"\nlast = "3.13"\nreason = "new"\n'
        '[[process]]\nsuite = "one"\ntests = ["a"]\nlast = "3.11"\nreason = "old"\n'
        '[[replay]]\nsuite = "two"\ntests = ["a"]\nreason = "other"\n'
    )
    assert judge.known("one", (3, 11), file) == judge.Known({"a": "because", "b": "because"}, {"a": "old"})
    assert judge.known("one", (3, 13), file).replay.keys() == {"a", "b", "c"}
    assert judge.known("one", (3, 14), file).replay.keys() == {"a", "b"}


@pytest.mark.parametrize(
    "entry",
    [
        'tests = ["a"]\nreason = " "',
        'tests = ["a"]',
        'tests = ["a", "a"]\nreason = "because"',
    ],
)
def test_an_exception_needs_a_reason_and_stands_once(entry: str, tmp_path: Path) -> None:
    file = tmp_path / "exceptions.toml"
    file.write_text(f'[[replay]]\nsuite = "one"\n{entry}\n')
    with pytest.raises(ValueError, match=r"without a reason|twice"):
        judge.known("one", (3, 12), file)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14), (3, 15)])
def test_the_list_of_exceptions_is_sound(version: tuple[int, int]) -> None:
    for suite in run.SUITES:
        judge.known(suite, version)


def test_every_exception_is_of_a_suite_that_is_run() -> None:
    assert judge.suites_with_exceptions() <= run.SUITES.keys()


def test_an_interpreter_without_the_module_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "SUITES", {"cpython_subprocess": ("no_such_package.test_subprocess", False)})
    verdict, results = run.check("cpython_subprocess", tmp_path)
    assert verdict.skipped == "this interpreter comes without no_such_package"
    assert results == {}
    assert run.main(["--keep", str(tmp_path)]) == 0
    assert "skipped: this interpreter comes without no_such_package" in capsys.readouterr().out


def test_the_command_fails_when_a_test_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Whether this interpreter comes with the suite does not matter: it is not run.
    monkeypatch.setattr(run, "SUITES", {"cpython_popen": ("json", False)})

    def fake(suite: str, way: ways.Way, scratch: Path, **_: object) -> WayResult:
        return ways_of("passed", "passed", "failed")[way]

    monkeypatch.setattr(ways, "run", fake)
    assert run.main(["--keep", str(tmp_path), "--suite", "cpython_popen"]) == 1
    assert "cpython_popen: replay: test: passed bare, failed now" in capsys.readouterr().out


def test_the_suites_that_the_share_is_due_for_are_run() -> None:
    assert run.SUITES.keys() >= judge.DUE


def test_a_suite_that_wheels_leave_out_is_skipped_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(sources.VARIABLE, str(tmp_path))
    assert sources.anyio_tests() is None
    assert sources.VARIABLE in sources.why_not()
    file = tmp_path / "tests" / "test_subprocesses.py"
    file.parent.mkdir()
    file.touch()
    assert sources.anyio_tests() == file
    assert not sources.why_not()
