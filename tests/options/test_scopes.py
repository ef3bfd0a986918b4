"""Fixtures of wider scope have a tape of their own: it must not matter which test uses them first."""

from __future__ import annotations

import shlex

import pytest

from tests.options.project import Project, counted

SUITE = r"""
    import subprocess
    import pytest

    def say(word):
        return subprocess.run(["echo", word], capture_output=True, text=True).stdout

    @pytest.fixture(scope="SCOPE")
    def server():
        said = say("start")
        yield said
        assert say("stop") == "stop\n"

    @pytest.mark.parametrize("word", ["ant", "bee", "cow"])
    def test_it(tape, server, word):
        assert server == "start\n"
        assert say(word) == word + "\n"
        assert [spawn.args for spawn in tape.spawns] == [[word]]
"""
OWN = ["test_it/test_it[ant].json", "test_it/test_it[bee].json", "test_it/test_it[cow].json"]
scopes = pytest.mark.parametrize("scope", ["module", "class", "session", "package"])


def fixture_tapes(project: Project) -> list[str]:
    return [name for name in project.tapes() if name not in OWN]


# Outside of a class, a class-scoped fixture is each test's own.
@pytest.mark.parametrize("scope", ["module", "session", "package"])
def test_the_spawns_of_the_fixture_are_on_one_tape_of_its_own(project: Project, scope: str) -> None:
    project.write(SUITE.replace("SCOPE", scope))
    result = project.record(passed=3)
    assert [project.commands(f"test_it[{word}]") for word in ("ant", "bee", "cow")] == [
        ["echo ant"],
        ["echo bee"],
        ["echo cow"],
    ]
    (name,) = fixture_tapes(project)
    assert "server" in name
    assert "3 recorded" in counted(result)
    project.replay(passed=3)


@scopes
@pytest.mark.parametrize("selection", [("-k", "cow"), ("test_it.py::test_it[bee]",), ("-k", "ant or cow")])
def test_any_selection_replays(project: Project, scope: str, selection: tuple[str, ...]) -> None:
    project.write(SUITE.replace("SCOPE", scope))
    project.record(passed=3)
    assert project.replay(*selection).ret == 0


@scopes
def test_any_order_replays(project: Project, scope: str) -> None:
    project.write(SUITE.replace("SCOPE", scope))
    project.record(passed=3)
    project.write("def pytest_collection_modifyitems(items): items.reverse()", "conftest.py")
    project.replay(passed=3)


def test_workers_share_one_whole_tape(project: Project, run_options: tuple[str, ...]) -> None:
    project.write(SUITE.replace("SCOPE", "session"))
    project.record(*run_options, passed=3)
    assert len(fixture_tapes(project)) == 1
    project.replay(*run_options, passed=3)
    project.replay(passed=3)


def test_a_fixture_that_diverges_fails_its_tests(project: Project) -> None:
    project.write(SUITE.replace("SCOPE", "module"))
    project.record(passed=3)
    project.edit('say("start")', 'say("begin")')
    result = project.replay(errors=3)
    result.stdout.fnmatch_lines(["E *Divergence: *", "*args[[]0[]]  tape: start", "*test: begin"])


def test_a_fixture_whose_teardown_diverges_is_an_error(project: Project) -> None:
    project.write(SUITE.replace("SCOPE", "module"))
    project.record(passed=3)
    project.edit('assert say("stop") == "stop\\n"', 'say("halt")')
    result = project.replay(passed=3, errors=1)
    result.stdout.fnmatch_lines(["E *Divergence: *", "*args[[]0[]]  tape: stop", "*test: halt"])


def test_a_fixture_that_asks_for_less_is_an_error(project: Project) -> None:
    project.write(SUITE.replace("SCOPE", "module"))
    project.record(passed=3)
    project.edit('assert say("stop") == "stop\\n"', "pass")
    result = project.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["E *Leftover: *"])


def test_a_fixture_without_a_tape_fails_and_the_printed_command_records_it(project: Project) -> None:
    project.write(SUITE.replace("SCOPE", "module"))
    project.record(passed=3)
    (name,) = fixture_tapes(project)
    (project.path / "tapes" / name).unlink()
    result = project.replay(errors=3)
    (line, *_) = [line for line in result.outlines if "record it: pytest " in line]
    project.run(*shlex.split(line.partition("record it: pytest ")[2])).assert_outcomes(passed=1)
    project.replay(passed=3)


def test_a_fixture_of_untaped_tests_is_not_taped(project: Project) -> None:
    project.write(SUITE.replace("SCOPE", "module").replace("(tape, server", "(server"))
    project.edit("assert [spawn.args for spawn in tape.spawns] == [[word]]", "pass")
    result = project.run("--record-tapes")
    result.assert_outcomes(passed=3)
    assert not (project.path / "tapes").exists()


def test_a_fixture_with_parameters_has_a_tape_for_each(project: Project) -> None:
    project.write(
        r"""
        import subprocess
        import pytest

        @pytest.fixture(scope="module", params=["x", "y"])
        def server(request):
            return subprocess.check_output(["echo", request.param], text=True)

        def test_one(tape, server):
            assert server in ("x\n", "y\n")

        def test_two(tape, server):
            assert server in ("x\n", "y\n")
        """
    )
    project.record(passed=4)
    assert len(project.tapes()) == 2
    project.replay(passed=4)
    project.replay("-k", "two and y]", passed=1, deselected=3)


def test_a_fixture_has_a_tape_for_each_parameter_of_what_it_asks_for(project: Project) -> None:
    project.write(
        r"""
        import subprocess
        import pytest

        @pytest.fixture(scope="module", params=["x", "y"])
        def kind(request):
            return request.param

        @pytest.fixture(scope="module")
        def between(kind):
            return kind

        @pytest.fixture(scope="module")
        def server(between):
            return subprocess.check_output(["echo", between], text=True)

        def test_one(tape, server, kind):
            assert server == kind + "\n"

        def test_two(tape, server, kind):
            assert server == kind + "\n"
        """
    )
    project.record(passed=4)
    assert project.tapes() == ["test_it/@server[x].json", "test_it/@server[y].json"]
    project.replay(passed=4)
    project.replay("-k", "two and y]", passed=1, deselected=3)


XUNIT = r"""
    import subprocess, unittest

    def say(word):
        return subprocess.check_output(["echo", word], text=True)

    def setup_module():
        assert say("module up") == "module up\n"

    def teardown_module():
        assert say("module down") == "module down\n"

    class TestPlain:
        @classmethod
        def setup_class(cls):
            cls.server = subprocess.Popen(["sleep", "600"])
            assert say("class up") == "class up\n"

        @classmethod
        def teardown_class(cls):
            cls.server.kill()
            assert cls.server.wait() == -9
            assert say("class down") == "class down\n"

        def setup_method(self):
            say("method up")

        def test_one(self, tape):
            assert self.server.poll() is None
            assert [spawn.args for spawn in tape.spawns] == [["method up"]]

        def test_two(self, tape):
            assert self.server.poll() is None

    import pytest

    @pytest.mark.tape
    class Old(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            assert say("old up") == "old up\n"
            cls.addClassCleanup(say, "old cleaned")

        @classmethod
        def tearDownClass(cls):
            assert say("old down") == "old down\n"

        def setUp(self):
            say("set up")

        def test_one(self):
            self.assertEqual(say("one"), "one\n")

        def test_two(self):
            self.assertEqual(say("two"), "two\n")
"""


def test_set_up_functions_of_a_class_and_a_module_have_tapes(project: Project) -> None:
    project.write(XUNIT)
    project.record(passed=4)
    names = [name.removeprefix("test_it/").removesuffix(".json") for name in project.tapes() if "@" in name]
    assert sorted(project.commands(name) for name in names) == [
        ["echo module up", "echo module down"],
        ["echo old up", "echo old down", "echo old cleaned"],
        ["sleep 600", "echo class up", "echo class down"],
    ]
    project.replay(passed=4)
    for selection in ("TestPlain::test_two", "Old::test_two", "Old::test_one"):
        project.replay(f"test_it.py::{selection}", passed=1)


def test_set_up_functions_on_workers(project: Project) -> None:
    pytest.importorskip("xdist")
    project.write(XUNIT)
    for dist in ("load", "loadscope", "loadfile", "worksteal", "loadgroup"):
        options = ("-p", "xdist", "-n", "2", "--dist", dist)
        project.record(*options, passed=4)
        project.replay(*options, passed=4)
    project.replay(passed=4)


def test_a_fixture_that_skips_where_a_tool_is_missing_skips_on_replay(project: Project) -> None:
    project.write("""
        import subprocess
        import pytest

        @pytest.fixture(scope="module")
        def tool():
            try:
                subprocess.run(["no-such-tool", "--version"])
            except FileNotFoundError:
                pytest.skip("there is no such tool")

        @pytest.mark.tape
        def test_it(tool): pass
    """)
    project.run("--record-tapes").assert_outcomes(skipped=1)

    project.run().assert_outcomes(skipped=1)
