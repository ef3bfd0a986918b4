"""eventlet: what its copy of ``subprocess`` starts is refused, recording and on replay."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.options.project import Project

# Not imported: it would be there for all the tests of this process.
pytestmark = pytest.mark.skipif(find_spec("eventlet") is None, reason="eventlet is not installed")


@pytest.mark.parametrize("mode", ["--record-tapes", "--replay-tapes"])
@pytest.mark.parametrize("patched", ["", "import eventlet; eventlet.monkey_patch()"])
def test_eventlet_is_refused(project: Project, mode: str, patched: str) -> None:
    project.write(patched, "conftest.py")
    project.write("""
        import os

        def test_it(tape):
            from eventlet.green import subprocess
            subprocess.check_call(["touch", "made"])
    """)
    warnings = ("-W", "ignore::DeprecationWarning")
    result = project.run_apart(mode, *warnings)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("*UnsupportedSpawn: eventlet.green.subprocess: can't be replayed*")
    assert not (project.pytester.path / "made").exists()
    project.run_apart("--live-tapes", *warnings).assert_outcomes(passed=1)
    assert (project.pytester.path / "made").exists()
