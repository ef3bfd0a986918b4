"""An expected failure is one of the code under test, and never that its tape is wrong."""

from __future__ import annotations

import pytest

from tests.options.parting import DIVERGENCE, HEAD, QUIET, in_test
from tests.options.project import Project

XFAILS = {
    "marker": "@pytest.mark.xfail\ndef test_it(tape):",
    "strict marker": "@pytest.mark.xfail(strict=True)\ndef test_it(tape):",
    "marker with raises": "@pytest.mark.xfail(raises=Exception)\ndef test_it(tape):",
    "marker with raises of ours": (
        "import pytest_proctape\n@pytest.mark.xfail(raises=pytest_proctape.ProctapeError)\ndef test_it(tape):"
    ),
}


@pytest.mark.parametrize("how", XFAILS)
@pytest.mark.parametrize("body", ['say("test")', QUIET], ids=["raised", "swallowed"])
def test_an_expected_failure_is_not_that_the_tape_is_wrong(project: Project, how: str, body: str) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(HEAD + f"\n{XFAILS[how]}\n    {body}\n")
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["E *Divergence: *", "*args[[]0[]]  tape: tape", "*test: test"])


def test_an_imperative_xfail_behind_a_swallowed_error_fails(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(
        in_test('\n        with contextlib.suppress(Exception): say("test")\n        pytest.xfail("no")\n')
    )
    project.replay(failed=1)


def test_a_skip_behind_a_swallowed_error_fails(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(
        in_test('\n        with contextlib.suppress(Exception): say("test")\n        pytest.skip("no")\n')
    )
    project.replay(failed=1)


def test_an_expected_failure_of_the_tests_own_stays_expected(project: Project) -> None:
    project.write(in_test('\n        assert say("tape") == "other"\n', XFAILS["strict marker"]))
    project.record(xfailed=1)
    assert project.commands() == ["echo tape"]
    project.replay(xfailed=1)


def test_runxfail_changes_nothing(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(HEAD + f"\n{XFAILS['marker']}\n    say('test')\n")
    project.replay("--runxfail", failed=1)
