"""A test that was renamed is told which tape was its."""

from __future__ import annotations

import pytest

from tests.options.project import Project

SUITE = """
    import subprocess
    import pytest

    def test_first(tape):
        subprocess.run(["echo", "first"], capture_output=True)

    class TestClass:
        @pytest.mark.parametrize("word", ["a", "b"])
        def test_second(self, tape, word):
            subprocess.run(["echo", word], capture_output=True)
"""
OFFER = "or, if the test was renamed: "


def offers(result: pytest.RunResult) -> list[str]:
    return [line.partition(OFFER)[2] for line in result.outlines if OFFER in line and line.startswith("E ")]


@pytest.fixture
def suite(project: Project) -> Project:
    project.write(SUITE)
    project.record(passed=3)
    return project


@pytest.mark.parametrize("selection", [(), ("test_it.py",), ("-k", "not first")])
@pytest.mark.parametrize(
    "old, new, where",
    [
        ("def test_second", "def test_other", "TestClass.test_other"),
        ("class TestClass", "class TestOther", "TestOther.test_second"),
        ('["a", "b"]', '["a", "b"], ids=["x", "y"]', "TestClass.test_second"),
    ],
)
def test_the_command_gives_the_tapes_to_the_renamed_tests(
    suite: Project, old: str, new: str, where: str, selection: tuple[str, ...]
) -> None:
    suite.edit(old, new)
    told = offers(suite.run(*selection))
    ids = "xy" if "ids" in new else "ab"
    assert told == [
        f"mv 'tapes/test_it/TestClass.test_second[{before}].json' 'tapes/test_it/{where}[{after}].json'"
        for before, after in zip("ab", ids, strict=True)
    ]
    for command in told:
        suite.pytester.run("sh", "-c", command)
    suite.replay(passed=3)


def test_a_module_that_was_renamed(suite: Project) -> None:
    (suite.path / "test_it.py").rename(suite.path / "test_new.py")
    told = offers(suite.run("-k", "first"))
    assert told == [
        "mkdir -p tapes/test_new && mv tapes/test_it/test_first.json tapes/test_new/test_first.json"
    ]


def test_a_module_that_was_renamed_and_has_parameters(suite: Project) -> None:
    (suite.path / "test_it.py").rename(suite.path / "test_new.py")
    told = offers(suite.run("-k", "second"))
    assert len(told) == 2
    for command in told:
        assert suite.pytester.run("sh", "-c", command).ret == 0
    suite.replay("-k", "second", passed=2)


def test_a_tape_of_a_test_that_is_there_is_not_offered(suite: Project) -> None:
    suite.write(SUITE, "test_copy.py")
    result = suite.run("test_copy.py")
    result.assert_outcomes(failed=3)
    assert offers(result) == []


def test_a_tape_of_something_else_is_not_offered(suite: Project) -> None:
    suite.edit("def test_second", "def test_other")
    suite.edit('["echo", word]', '["echo", "other", word]')
    result = suite.run()
    result.assert_outcomes(failed=2, passed=1)
    assert offers(result) == []
