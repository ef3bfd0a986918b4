"""What ends a worker of this suite that hangs."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_worker_that_hangs_is_ended_and_its_test_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xdist")
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=":")
    pytester.makeconftest(
        """
        from tests.hangs import HangWatch

        class Watch(HangWatch):
            def pytest_runtest_logreport(self, report):
                # The test has been set up: what comes now is the hang, and not a slow start.
                self._limit_s = 2
                super().pytest_runtest_logreport(report)

        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                config.pluginmanager.register(Watch(limit_s=30))
        """
    )
    pytester.makepyfile(
        """
        import threading

        def test_it():
            threading.Event().wait()
        """
    )
    result = pytester.runpytest_subprocess("-n", "1", timeout=250)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("worker 'gw*' crashed while running '*::test_it'")
    result.stderr.fnmatch_lines("no word of worker *")
    assert ", line 4 in test_it" in result.stderr.str(), "where it was"
