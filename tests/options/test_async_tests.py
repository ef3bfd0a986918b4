"""Tests that are coroutines, run by the plugins that people use for them."""

from __future__ import annotations

import pytest

from tests.options.project import Project

RUNNERS = {
    "pytest-asyncio": ("pytest_asyncio", ("-p", "asyncio"), "@pytest.mark.asyncio", "import asyncio"),
    "anyio": ("anyio", ("-p", "anyio"), "@pytest.mark.anyio", "import asyncio"),
}
SUITE = r"""
    import asyncio, subprocess
    import pytest

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    async def say(word):
        process = await asyncio.create_subprocess_exec("echo", word, stdout=asyncio.subprocess.PIPE)
        return (await process.communicate())[0]

    MARK
    async def test_one(tape):
        assert await say("a") == b"a\n"
        assert await asyncio.to_thread(subprocess.check_output, ["echo", "b"]) == b"b\n"
        assert [spawn.args for spawn in tape.spawns] == [["a"], ["b"]]

    MARK
    async def test_two(tape):
        process = await asyncio.create_subprocess_shell("cat; exit 3", stdin=-1, stdout=-1)
        assert await process.communicate(b"hello") == (b"hello", None)
        assert process.returncode == 3
"""


def suite(project: Project, runner: str) -> tuple[str, ...]:
    module, options, mark, _ = RUNNERS[runner]
    pytest.importorskip(module)
    project.ini(
        "asyncio_default_fixture_loop_scope = function", "filterwarnings = ignore::pytest.PytestConfigWarning"
    )
    project.write(SUITE.replace("MARK", mark))
    return options


@pytest.mark.parametrize("runner", RUNNERS)
def test_coroutines_are_recorded_and_replayed(project: Project, runner: str) -> None:
    options = suite(project, runner)
    project.record(*options, passed=2)
    assert project.commands("test_one") == ["echo a", "echo b"]
    project.replay(*options, passed=2)


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_coroutine_that_diverges_fails_at_the_users_line(project: Project, runner: str) -> None:
    options = suite(project, runner)
    project.record(*options, passed=2)
    project.edit('say("a")', 'say("x")')
    result = project.replay(*options, passed=1, failed=1)
    result.stdout.fnmatch_lines(["E *Divergence: *", "*(spawn 1) at test_it.py:* in say()", "*test: x"])


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_coroutine_that_swallows_fails(project: Project, runner: str) -> None:
    options = suite(project, runner)
    project.record(*options, passed=2)
    project.edit(
        'assert await say("a") == b"a\\n"', "await asyncio.gather(say('x'), return_exceptions=True); return"
    )
    result = project.replay(*options, passed=1, failed=1)
    result.stdout.fnmatch_lines(["E *Divergence: *", "*test: x"])


def test_isolated_asyncio_cases_are_taped(project: Project) -> None:
    project.write(
        r"""
        import asyncio, unittest
        import pytest

        @pytest.mark.tape
        class TestCase(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                self.process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)

            async def asyncTearDown(self):
                await self.process.wait()

            async def test_it(self):
                self.assertEqual(await self.process.communicate(b"x"), (b"x", None))
        """
    )
    project.record()
    project.replay(passed=1)


def test_trio_tests_are_taped(project: Project) -> None:
    pytest.importorskip("trio")
    project.write(
        r"""
        import trio

        def test_it(tape):
            async def main():
                done = await trio.run_process(["cat"], stdin=b"x", capture_stdout=True)
                return done.stdout
            assert trio.run(main) == b"x"
        """
    )
    project.record()
    project.replay(passed=1)
