"""The judge in short, for every run of the tests: parts of borrowed suites, bare, recording and replaying."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance import judge, run

SHORT = {
    "cpython_subprocess": "RunFuncTestCase or MiscTests or ContextManagerTests or (NoPoll and communicate)",
    # That one sends signals until the loop has seen the end: how many is chance, and the tape has them all.
    "cpython_asyncio": "PidfdWatcher and not never_targets_reaped",
    "cpython_os": "SpawnTests or PidTests",
    "trio_subprocess": "test_pipes or test_interactive or test_run",
}


@pytest.mark.parametrize("suite", SHORT)
def test_a_borrowed_suite_does_the_same_on_tape(suite: str, tmp_path: Path) -> None:
    verdict, results = run.check(suite, tmp_path, keyword=SHORT[suite], limit_s=30)
    if verdict.skipped:
        pytest.skip(verdict.skipped)
    assert verdict.ran >= 5
    details = [results[way].tests[test].detail for way in judge.TAPED for test in results[way].tests]
    assert verdict.problems == [], "\n".join(filter(None, details))
    assert sum(sum(outcome.started.values()) for outcome in results["bare"].tests.values()) >= 5
    assert not results["replay"].children
