"""The ini option tapes_auto: every test is taped, untouched."""

from __future__ import annotations

import pytest

from tests.options.project import Project

UNTOUCHED = r"""
    import subprocess, unittest

    def test_it():
        assert subprocess.check_output(["echo", "one"]) == b"one\n"

    class TestClass:
        def test_method(self):
            assert subprocess.check_output(["echo", "two"]) == b"two\n"

    class Old(unittest.TestCase):
        def test_old(self):
            self.assertEqual(subprocess.check_output(["echo", "three"]), b"three\n")

    def test_quiet():
        pass
"""


def test_every_test_is_taped(project: Project) -> None:
    project.ini("tapes_auto = true")
    project.write(UNTOUCHED)
    project.replay("-k", "not quiet", failed=3, deselected=1)
    project.record(passed=4)
    assert project.tapes() == [
        "test_it/Old.test_old.json",
        "test_it/TestClass.test_method.json",
        "test_it/test_it.json",
    ]
    project.replay(passed=4)


@pytest.mark.parametrize("lines", [(), ("tapes_auto = false",)], ids=["unset", "false"])
def test_an_untouched_test_is_not_taped_otherwise(project: Project, lines: tuple[str, ...]) -> None:
    project.ini(*lines)
    project.write(UNTOUCHED)
    result = project.run("--record-tapes")
    result.assert_outcomes(passed=4)
    assert not (project.path / "tapes").exists()
    assert project.real == []
    result.stdout.fnmatch_lines(
        ["nothing was recorded: no taped test has started a process", "*tapes_auto = true*"]
    )
    assert "tapes" not in "".join(project.run().outlines[-4:])


def test_a_marker_still_says_the_mode(project: Project) -> None:
    project.ini("tapes_auto = true")
    project.write(
        r"""
        import subprocess
        import pytest

        @pytest.mark.tape(mode="live")
        def test_it():
            assert subprocess.check_output(["echo", "one"]) == b"one\n"

        def test_other():
            assert subprocess.check_output(["echo", "one"]) == b"one\n"
        """
    )
    project.run().assert_outcomes(passed=1, failed=1)


def test_a_value_that_is_not_a_boolean_is_one_readable_error(project: Project) -> None:
    project.ini("tapes_auto = perhaps")
    project.write("def test_it(): pass")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = "\n".join([*result.errlines, *result.outlines])
    assert "tapes_auto" in told
    assert "'perhaps'" in told
    assert "Traceback" not in told


def test_doctests_are_taped_as_tests(project: Project) -> None:
    project.ini("tapes_auto = true")
    project.write(
        '''
        """
        >>> import subprocess
        >>> subprocess.check_output(["echo", "one"])
        b'one\\\\n'
        """
        ''',
        "notes.py",
    )
    project.run("--record-tapes", "--doctest-modules", "notes.py").assert_outcomes(passed=1)
    assert len(project.tapes()) == 1
    project.replay("--doctest-modules", "notes.py", passed=1)
