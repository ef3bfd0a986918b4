"""@pytest.mark.tape on functions, classes and modules, and what a wrong one gets."""

from __future__ import annotations

import pytest

from tests.options.project import Project


def test_the_marker_alone_tapes_a_test(project: Project) -> None:
    project.write(
        r"""
        import subprocess
        import pytest

        @pytest.mark.tape
        def test_it():
            assert subprocess.check_output(["echo", "one"]) == b"one\n"

        @pytest.mark.tape()
        def test_called():
            assert subprocess.check_output(["echo", "two"]) == b"two\n"

        def test_other():
            pass
        """
    )
    project.record(passed=3)
    assert project.tapes() == ["test_it/test_called.json", "test_it/test_it.json"]
    project.replay(passed=3)


def test_a_class_or_module_can_be_marked(project: Project) -> None:
    project.write(
        r"""
        import subprocess
        import pytest

        @pytest.mark.tape
        class TestClass:
            def test_one(self):
                assert subprocess.check_output(["echo", "one"]) == b"one\n"

            @pytest.mark.tape(mode="live")
            def test_two(self):
                assert subprocess.check_output(["echo", "two"]) == b"two\n"
        """
    )
    project.write(
        r"""
        import subprocess
        import pytest

        pytestmark = pytest.mark.tape

        def test_it():
            assert subprocess.check_output(["echo", "one"]) == b"one\n"
        """,
        "test_module.py",
    )
    project.run("--record-tapes").assert_outcomes(passed=3)
    assert project.tapes() == [
        "test_it/TestClass.test_one.json",
        "test_it/TestClass.test_two.json",
        "test_module/test_it.json",
    ]
    project.run().assert_outcomes(passed=3)
    assert len(project.real) == 1


def test_unittest_test_cases_can_be_marked(project: Project) -> None:
    project.write(
        r"""
        import subprocess, unittest
        import pytest

        @pytest.mark.tape
        class TestOld(unittest.TestCase):
            def setUp(self):
                self.first = subprocess.check_output(["echo", "set up"])

            def tearDown(self):
                assert subprocess.check_output(["echo", "torn down"]) == b"torn down\n"

            def test_one(self):
                self.assertEqual(self.first, b"set up\n")
                self.assertEqual(subprocess.check_output(["echo", "one"]), b"one\n")

            def test_two(self):
                with self.subTest("a"):
                    self.assertEqual(subprocess.check_output(["echo", "two"]), b"two\n")

        class TestMixed(unittest.TestCase):
            @pytest.mark.tape
            def test_marked(self):
                self.assertEqual(subprocess.check_output(["echo", "marked"]), b"marked\n")

            def test_unmarked(self):
                pass

        @pytest.mark.tape
        class TestAsync(unittest.IsolatedAsyncioTestCase):
            async def test_async(self):
                import asyncio
                process = await asyncio.create_subprocess_exec("echo", "async", stdout=-1)
                self.assertEqual(await process.communicate(), (b"async\n", None))
        """
    )
    project.record(passed=5)
    assert project.tapes() == [
        "test_it/TestAsync.test_async.json",
        "test_it/TestMixed.test_marked.json",
        "test_it/TestOld.test_one.json",
        "test_it/TestOld.test_two.json",
    ]
    project.replay(passed=5)
    project.edit('"marked"]', '"spotted"]')
    result = project.replay(failed=1, passed=4)
    result.stdout.fnmatch_lines(["*TestMixed*", "*args[[]0[]]  tape: marked", "*test: spotted"])


def test_the_closest_marker_says_the_mode(project: Project) -> None:
    project.write(
        """
        import pytest

        @pytest.mark.tape(mode="live")
        class TestClass:
            @pytest.mark.tape(mode="record")
            def test_one(self, tape):
                assert tape.mode == "record"

            def test_two(self, tape):
                assert tape.mode == "live"
        """
    )
    project.run().assert_outcomes(passed=2)


def test_a_mode_further_out_holds_where_the_closest_marker_says_none(project: Project) -> None:
    project.write(
        """
        import pytest

        @pytest.mark.tape(mode="live")
        class TestClass:
            @pytest.mark.tape
            def test_one(self, tape):
                assert tape.mode == "live"
        """
    )
    project.run().assert_outcomes(passed=1)


def test_a_parameter_can_carry_the_marker(project: Project) -> None:
    project.write(
        r"""
        import subprocess
        import pytest

        @pytest.mark.parametrize("word", ["a", pytest.param("b", marks=pytest.mark.tape)])
        def test_it(word):
            assert subprocess.check_output(["echo", word]) == word.encode() + b"\n"
        """
    )
    project.run("--record-tapes").assert_outcomes(passed=2)
    assert project.tapes() == ["test_it/test_it[b].json"]


def test_the_marker_is_registered(project: Project) -> None:
    project.write("import pytest\n\n@pytest.mark.tape\ndef test_it(): pass")
    project.run("--strict-markers").assert_outcomes(passed=1)
    result = project.run("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.tape(mode=None*): *replay, record, missing, new, live*"])


@pytest.mark.parametrize(
    "marker, told",
    [
        ("tape('live')", ["mode="]),
        ("tape(mode='lvie')", ["'lvie'", "did you mean 'live'", "replay, record, missing, new, live"]),
        ("tape(mode=3)", ["3", "replay, record, missing, new, live"]),
        ("tape(mod='live')", ["'mod'", "did you mean 'mode'"]),
        ("tape(mode='live', colour=1)", ["'colour'", "mode"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_marker_that_is_not_understood_is_one_readable_error(
    project: Project, marker: str, told: list[str]
) -> None:
    project.write(
        f"""
        import pytest

        @pytest.mark.{marker}
        def test_it():
            print("ran")

        def test_other():
            pass
        """
    )
    result = project.run("-rA")
    text = "\n".join([*result.outlines, *result.errlines])
    assert result.ret in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.TESTS_FAILED)
    assert "INTERNALERROR" not in text
    assert "KeyError" not in text
    assert "pytest_proctape/" not in text
    for words in ["test_it.py::test_it", "pytest.mark.tape", *told]:
        assert words in text
    assert "ran" not in result.outlines


def test_a_marker_that_is_not_understood_is_not_hidden_by_a_flag(project: Project) -> None:
    project.write("import pytest\n\n@pytest.mark.tape(mode='lvie')\ndef test_it(): pass")
    assert project.run("--live-tapes").ret != pytest.ExitCode.OK
