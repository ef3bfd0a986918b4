"""unittest, doctest and pytester: tests of other kinds, and runs of pytest inside a taped test."""

from __future__ import annotations

import pytest

from tests.options.project import PLUGIN, Project

INNER = """
    import subprocess

    def test_it(tape):
        assert subprocess.check_output(["echo", "inner"]) == b"inner\\\\n"
"""
OUTER = f'''
    import subprocess
    import pytest

    pytest_plugins = ["pytester"]
    INNER = """{INNER.rstrip()}
    """

    def ask(word):
        return subprocess.check_output(["echo", word], text=True)

    @pytest.mark.tape
    def test_in_process(pytester):
        assert ask("before") == "before\\n"
        pytester.makepyfile(test_inner=INNER)
        pytester.runpytest_inprocess(*{PLUGIN!r}, "--rootdir=.", "--record-tapes").assert_outcomes(passed=1)
        assert (pytester.path / "tapes/test_inner/test_it.json").exists()
        assert ask("between") == "between\\n"
        pytester.runpytest_inprocess(*{PLUGIN!r}, "--rootdir=.").assert_outcomes(passed=1)
        pytester.makepyfile(test_inner=INNER.replace("inner", "other"))
        pytester.runpytest_inprocess(*{PLUGIN!r}, "--rootdir=.").assert_outcomes(failed=1)
        pytester.makepyfile(test_inner=INNER.replace("(tape)", "()"))
        pytester.runpytest_inprocess(*{PLUGIN!r}, "--rootdir=.").assert_outcomes(passed=1)
        assert ask("after") == "after\\n"

    @pytest.mark.tape
    def test_apart(pytester):
        pytester.makepyfile(test_inner=INNER)
        options = ["--rootdir=.", "--live-tapes", "-p", "no:cacheprovider"]
        result = pytester.runpytest_subprocess(*{PLUGIN!r}, *options)
        result.assert_outcomes(passed=1)
'''


def test_a_run_inside_a_taped_test_has_tapes_of_its_own(project: Project) -> None:
    project.write(OUTER)
    # The inner recording starts real processes, on the outer replay as well: it was asked to.
    project.run_apart("--record-tapes", "test_it.py", "-k", "in_process").assert_outcomes(
        passed=1, deselected=1
    )
    # An inner test that is not taped is part of the outer one.
    said = [f"echo {word}" for word in ("before", "between", "inner", "after")]
    assert project.commands("test_in_process") == said
    project.run_apart("test_it.py", "-k", "in_process").assert_outcomes(passed=1, deselected=1)


def test_a_run_in_a_process_of_its_own_is_an_entry_of_the_outer_tape(project: Project) -> None:
    project.write(OUTER)
    project.run_apart("--record-tapes", "test_it.py", "-k", "apart").assert_outcomes(passed=1, deselected=1)
    assert len(project.entries("test_apart")) == 1
    project.run_apart("test_it.py", "-k", "apart").assert_outcomes(passed=1, deselected=1)


def test_an_inner_run_with_tapes_auto(project: Project) -> None:
    project.ini("tapes_auto = true")
    project.write(OUTER)
    project.run_apart("--record-tapes", "test_it.py", "-k", "in_process").assert_outcomes(
        passed=1, deselected=1
    )
    project.run_apart("test_it.py", "-k", "in_process").assert_outcomes(passed=1, deselected=1)


UNITTEST = r"""
    import asyncio, subprocess, unittest
    import pytest

    MARK

    def say(word):
        return subprocess.check_output(["echo", word], text=True)

    class TestOld(unittest.TestCase):
        def setUp(self):
            self.assertEqual(say("up"), "up\n")
            self.addCleanup(say, "clean")

        def tearDown(self):
            self.assertEqual(say("down"), "down\n")

        def test_one(self):
            self.assertEqual(say("one"), "one\n")

        @unittest.expectedFailure
        def test_expected(self):
            self.assertEqual(say("two"), "three\n")

        @unittest.skip("not today")
        def test_skipped(self):
            say("never")

    class TestAsync(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)

        async def test_dialog(self):
            self.assertEqual((await self.process.communicate(b"x"))[0], b"x")
"""


@pytest.mark.parametrize("how", ["marker", "auto"])
def test_unittest(project: Project, how: str) -> None:
    project.ini(f"tapes_auto = {'true' if how == 'auto' else 'false'}")
    project.write(UNITTEST.replace("MARK", "" if how == "auto" else "pytestmark = pytest.mark.tape"))
    project.run_apart("--record-tapes").assert_outcomes(passed=2, xfailed=1, skipped=1)
    assert project.commands("TestOld.test_one") == ["echo up", "echo one", "echo down", "echo clean"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        project.run_apart().assert_outcomes(passed=2, xfailed=1, skipped=1)
        project.run_apart("-k", "one or dialog").assert_outcomes(passed=2, deselected=2)
    project.edit('say("one")', 'say("other")')
    result = project.run_apart("-k", "one")
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(["E *Divergence: *"])


def test_doctests(project: Project) -> None:
    project.ini("tapes_auto = true")
    text = """
        >>> import subprocess
        >>> subprocess.getoutput("echo text")
        'text'
        """
    project.write(text, "notes.txt")
    project.write(f'def ask():\n    r"""{text}"""\n', "module.py")
    options = ("--doctest-modules", "--doctest-glob=*.txt")
    project.run_apart("--record-tapes", *options).assert_outcomes(passed=2)
    assert len(project.tapes()) == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        project.run_apart(*options).assert_outcomes(passed=2)
    # Without the option they are not collected, and their tapes are no orphans.
    project.write("def test_it(): pass")
    assert "orphaned" not in str(project.run_apart().stdout)
