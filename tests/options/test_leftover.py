"""Entries that a test did not ask for fail it, but only a test that passed otherwise."""

from __future__ import annotations

import pytest

from tests.options.parting import DIVERGENCE, HEAD, in_test, with_fixture
from tests.options.project import Project


def test_leftover_fails_a_test_that_passed(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(in_test("\n        pass\n"))
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(
        ["E *Leftover: *", "*entry 1: echo tape", "*--record-tapes test_it.py::test_it"]
    )


@pytest.mark.parametrize(
    "body",
    [
        "assert not 'this'",
        "raise ValueError",
        "pytest.fail('that')",
        "pytest.skip('no')",
        "pytest.xfail('no')",
    ],
)
def test_leftover_is_not_told_of_a_test_that_did_not_pass(project: Project, body: str) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(in_test(f"\n        {body}\n"))
    result = project.run("-rA")
    assert "Leftover" not in result.stdout.str()


def test_leftover_is_not_told_where_the_setup_failed(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(with_fixture(setup="assert not 'this'"))
    result = project.replay(errors=1)
    assert "Leftover" not in result.stdout.str()


def test_leftover_is_not_told_of_a_test_that_was_skipped(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(in_test("\n        pass\n", "@pytest.mark.skip\ndef test_it(tape):"))
    project.replay(skipped=1)


def test_entries_of_the_teardown_are_left_over_only_after_it(project: Project) -> None:
    project.write(with_fixture(teardown='assert say("tape")', test='assert say("tape")'))
    project.record()
    project.replay(passed=1)
    project.write(with_fixture(test='assert say("tape")'))
    result = project.replay(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown*", "E *Leftover: *", "*entry 2: echo tape"])


def test_entries_of_the_setup_are_left_over_in_the_call(project: Project) -> None:
    project.write(with_fixture(setup='assert say("tape")'))
    project.record()
    project.write(with_fixture())
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["E *Leftover: *", "*entry 1: echo tape"])


def test_a_spawn_that_moved_from_the_teardown_into_the_call_still_matches(project: Project) -> None:
    project.write(with_fixture(teardown='assert say("tape")'))
    project.record()
    project.write(with_fixture(test='assert say("tape")'))
    project.replay(passed=1)


# -- unittest ----------------------------------------------------------------------------------

CASE = r"""
@pytest.mark.tape
class TestCase(unittest.TestCase):
    DECORATOR
    def test_it(self):
        BODY
"""


def test_a_unittest_case_that_leaves_entries_over_fails(project: Project) -> None:
    project.write_tape(*DIVERGENCE, test="TestCase.test_it")
    project.write(HEAD + CASE.replace("DECORATOR", "").replace("BODY", "pass"))
    project.replay(failed=1).stdout.fnmatch_lines(["E *Leftover: *"])


def test_a_unittest_case_that_skips_or_fails_leaves_nothing_over(project: Project) -> None:
    project.write_tape(*DIVERGENCE, test="TestCase.test_it")
    project.write(HEAD + CASE.replace("DECORATOR", "").replace("BODY", "self.skipTest('no')"))
    project.replay(skipped=1)
    project.edit("self.skipTest('no')", "self.fail('that')")
    assert "Leftover" not in project.replay(failed=1).stdout.str()
