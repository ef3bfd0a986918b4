"""pytest-asyncio, anyio's plugin and pytest-trio: tests and fixtures of any scope that are coroutines."""

from __future__ import annotations

import pytest

from tests.options.project import Project

ASYNCIO = """
    import asyncio, sys
    import pytest, pytest_asyncio

    pytestmark = [pytest.mark.tape, pytest.mark.asyncio(loop_scope="module")]

    async def ask(word):
        process = await asyncio.create_subprocess_exec("echo", word, stdout=asyncio.subprocess.PIPE)
        return (await process.communicate())[0].decode()

    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def wide():
        yield await ask("wide")
        assert await ask("end") == "end\\n"

    @pytest_asyncio.fixture(loop_scope="module")
    async def near():
        yield await ask("near")
        assert await ask("far") == "far\\n"

    @pytest.mark.parametrize("word", ["a", "b"])
    async def test_it(wide, near, word):
        assert (wide, near) == ("wide\\n", "near\\n")
        assert await asyncio.gather(ask(word)) == [word + "\\n"]
"""
ANYIO = """
    import anyio, pytest

    pytestmark = [pytest.mark.tape, pytest.mark.anyio]

    @pytest.fixture(scope="module", params=BACKENDS)
    def anyio_backend(request):
        return request.param

    async def ask(word):
        return (await anyio.run_process(["echo", word])).stdout.decode()

    @pytest.fixture(scope="module")
    async def wide(anyio_backend):
        yield await ask("wide")
        assert await ask("end") == "end\\n"

    @pytest.mark.parametrize("word", ["a", "b"])
    async def test_it(wide, word):
        assert wide == "wide\\n"
        assert await ask(word) == word + "\\n"
"""
TRIO = """
    import pytest, subprocess, trio

    pytestmark = [pytest.mark.tape, pytest.mark.trio]

    async def ask(word):
        return (await trio.run_process(["echo", word], capture_stdout=True)).stdout.decode()

    @pytest.fixture
    async def near():
        yield await ask("near")
        assert await ask("far") == "far\\n"

    @pytest.mark.parametrize("word", ["a", "b"])
    async def test_it(near, word):
        assert near == "near\\n"
        assert await ask(word) == word + "\\n"
"""
ini = ("asyncio_default_fixture_loop_scope = function",)


@pytest.mark.parametrize("selection", [(), ("-k", "b]")], ids=["all", "one"])
def test_pytest_asyncio(project: Project, selection: tuple[str, ...]) -> None:
    pytest.importorskip("pytest_asyncio")
    project.ini(*ini)
    project.write(ASYNCIO)
    project.run_apart("-p", "asyncio", "--record-tapes").assert_outcomes(passed=2)
    assert project.commands("test_it[a]") == ["echo near", "echo a", "echo far"]
    assert project.commands("@wide") == ["echo wide", "echo end"]
    replay(project, "-p", "asyncio", *(("test_it.py::test_it[b]",) if selection else ()))


@pytest.mark.parametrize("selection", [(), ("-k", "b]")], ids=["all", "one"])
def test_anyios_plugin(project: Project, selection: tuple[str, ...]) -> None:
    pytest.importorskip("anyio")
    backends = ["asyncio"]
    try:
        import trio  # noqa: F401 - whether it is there
    except ImportError:
        pass
    else:
        backends.append("trio")
    project.write(ANYIO.replace("BACKENDS", repr(backends)))
    project.run_apart("-p", "anyio", "--record-tapes").assert_outcomes(passed=2 * len(backends))
    for backend in backends:
        assert project.commands(f"test_it[{backend}-a]") == ["echo a"]
        assert project.commands(f"@wide[{backend}]") == ["echo wide", "echo end"]
    replay(project, "-p", "anyio", *(("test_it.py::test_it[asyncio-b]",) if selection else ()))


def test_pytest_trio(project: Project) -> None:
    pytest.importorskip("pytest_trio")
    project.write(TRIO)
    project.run_apart("-p", "trio", "--record-tapes").assert_outcomes(passed=2)
    assert project.commands("test_it[a]") == ["echo near", "echo a", "echo far"]
    replay(project, "-p", "trio")
    replay(project, "-p", "trio", "test_it.py::test_it[b]")


def replay(project: Project, *options: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        result = project.run_apart(*options)
    assert result.ret == pytest.ExitCode.OK, str(result.stdout)
