"""The judge in short: some of CPython's test cases, bare, recording and replaying. All: ``run.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance import run

SHORT = {
    "cpython_subprocess": "RunFuncTestCase or MiscTests or ContextManagerTests or (NoPoll and communicate)",
    "cpython_asyncio": "PidfdWatcher or (UnixSubprocess and not Watcher)",
    "cpython_os": "SpawnTests or PidTests",
    "trio_subprocess": "test_pipes or test_interactive or test_run",
}


@pytest.mark.parametrize("suite", SHORT)
def test_a_borrowed_suite_does_the_same_on_tape(suite: str, tmp_path: Path) -> None:
    verdict, results = run.check(suite, tmp_path, keyword=SHORT[suite])
    if verdict.skipped:
        pytest.skip(verdict.skipped)
    assert verdict.ran >= 5
    assert verdict.problems == []
    spawned = sum(sum(outcome.started.values()) for outcome in results["bare"].tests.values())
    assert spawned >= 5
    assert not results["replay"].children
