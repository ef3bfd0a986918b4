"""`use_tape`: a tape for a block, a function, unittest or a script, with pytest and without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import pytest_proctape
from pytest_proctape import intercept
from tests.options.project import Project

SCRIPT = """
    import subprocess, sys
    from pytest_proctape import use_tape

    with use_tape("x.json"{settings}) as tape:
        print(subprocess.check_output(["echo", {word!r}]), tape.mode, len(tape.spawns))
    {then}
    assert "pytest" not in sys.modules and "_pytest" not in sys.modules
"""
SOURCE = str(Path(pytest_proctape.__file__).parents[1])
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def python(tmp_path: Path) -> Run:
    """Run Python in a directory of its own that looks like a project's, with these environment variables."""
    (tmp_path / "pyproject.toml").touch()

    def run(*args: str, path: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": SOURCE, "PYTHONDONTWRITEBYTECODE": "1", **variables}
        if path is not None:
            env["PATH"] = path
        return subprocess.run(
            [sys.executable, *args], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
        )

    return run


def script(folder: Path, *, settings: str = "", word: str = "hi", then: str = "") -> None:
    text = SCRIPT.format(settings=settings, word=word, then=then)
    (folder / "script.py").write_text("\n".join(line[4:] for line in text.splitlines()))


# -- without pytest ----------------------------------------------------------------------------


def test_a_block_is_recorded_and_replayed_without_pytest(python: Run, tmp_path: Path) -> None:
    script(tmp_path)
    recorded = python("script.py", PROCTAPE_MODE="record")
    assert (recorded.stdout, recorded.stderr) == ("b'hi\\n' record 1\n", "")
    tape = json.loads((tmp_path / "x.json").read_bytes())
    assert [entry["program"] for entry in tape["entries"]] == ["echo"]
    assert "test" not in tape
    replayed = python("script.py", path="")
    assert (replayed.stdout, replayed.stderr) == ("b'hi\\n' replay 1\n", "")


@pytest.mark.parametrize(
    "mode, shown", [("replay", "replay"), ("missing", "replay"), ("new", "update"), ("live", "live")]
)
def test_the_mode_is_an_argument(python: Run, tmp_path: Path, mode: str, shown: str) -> None:
    script(tmp_path, settings=", mode='missing'")
    assert "record 1" in python("script.py").stdout
    script(tmp_path, settings=f", mode={mode!r}")
    assert python("script.py").stdout == f"b'hi\\n' {shown} 1\n"


def test_the_environment_wins_over_the_argument(python: Run, tmp_path: Path) -> None:
    script(tmp_path, settings=", mode='replay'")
    assert "record 1" in python("script.py", PROCTAPE_MODE="record").stdout


def test_a_mode_of_the_environment_that_is_not_known_is_told(python: Run, tmp_path: Path) -> None:
    script(tmp_path)
    told = python("script.py", PROCTAPE_MODE="recrod").stderr
    assert "UsageError: the environment variable PROCTAPE_MODE: no such mode: 'recrod'" in told
    assert "did you mean 'record'" in told


def test_a_divergence_tells_the_command_that_records_again(python: Run, tmp_path: Path) -> None:
    script(tmp_path)
    python("script.py", PROCTAPE_MODE="record")
    script(tmp_path, word="ho")
    failed = python("script.py")
    assert failed.returncode == 1
    (line,) = {line.strip() for line in failed.stderr.splitlines() if "PROCTAPE_MODE" in line}
    assert line.startswith("PROCTAPE_MODE=record ")
    again = subprocess.run(
        line,
        shell=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
    )
    assert again.stdout == "b'ho\\n' record 1\n", again.stderr
    assert python("script.py", path="").returncode == 0


def test_a_tape_that_is_not_there_is_told_with_the_command(python: Run, tmp_path: Path) -> None:
    script(tmp_path)
    failed = python("script.py")
    assert "TapeNotFound" in failed.stderr
    assert "next:     record it: PROCTAPE_MODE=record " in failed.stderr


def test_where_there_is_no_file_the_working_directory_counts(python: Run, tmp_path: Path) -> None:
    code = (
        "import subprocess; from pytest_proctape import use_tape\n"
        "with use_tape('cell.json'): subprocess.run(['echo', 'x'])"
    )
    told = python("-c", code).stderr
    assert f'use_tape({str(tmp_path / "cell.json")!r}, mode="record")' in told
    assert python("-c", code.replace("json'", "json', mode='record'")).returncode == 0
    assert (tmp_path / "cell.json").exists()
    assert python("-c", code).stdout == "x\n"


def test_unittest(python: Run, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import subprocess, unittest\n"
        "from pytest_proctape import use_tape\n\n"
        "class TestIt(unittest.TestCase):\n"
        "    def setUp(self):\n"
        "        self.tape = self.enterContext(use_tape(f'tapes/{self._testMethodName}.json'))\n\n"
        "    def test_one(self):\n"
        "        self.assertEqual(subprocess.check_output(['echo', 'one']), b'one\\n')\n"
        "        self.assertEqual(len(self.tape.spawns), 1)\n\n"
        "class TestAsync(unittest.IsolatedAsyncioTestCase):\n"
        "    async def asyncSetUp(self):\n"
        "        await self.enterAsyncContext(use_tape('tapes/async.json'))\n\n"
        "    async def test_two(self):\n"
        "        import asyncio\n"
        "        process = await asyncio.create_subprocess_exec('echo', 'two', stdout=-1)\n"
        "        self.assertEqual(await process.communicate(), (b'two\\n', None))\n\n"
        "class TestDecorated(unittest.TestCase):\n"
        "    @use_tape('tapes/three.json')\n"
        "    def test_three(self):\n"
        "        self.assertEqual(subprocess.check_output(['echo', 'three']), b'three\\n')\n"
    )
    recorded = python("-m", "unittest", PROCTAPE_MODE="record")
    assert recorded.returncode == 0, recorded.stderr
    assert sorted(path.name for path in (tmp_path / "tapes").iterdir()) == [
        "async.json",
        "test_one.json",
        "three.json",
    ]
    replayed = python("-m", "unittest", path="")
    assert replayed.returncode == 0, replayed.stderr


# -- inside of pytest --------------------------------------------------------------------------

BLOCK = """
    import subprocess
    from pytest_proctape import use_tape

    def say(word):
        return subprocess.check_output(["echo", word])

    def test_it():
        with use_tape("own/it.json") as tape:
            assert say("hi") == b"hi\\n"
            assert [spawn.args for spawn in tape.spawns] == [["hi"]]
"""


def test_the_command_line_of_pytest_holds(project: Project, run_options: tuple[str, ...]) -> None:
    project.write(BLOCK, "sub/test_it.py")
    project.run("--record-tapes", *run_options).assert_outcomes(passed=1)
    assert (project.path / "sub/own/it.json").exists()
    assert project.tapes() == []
    project.replay(*run_options, passed=1)


def test_the_ini_file_holds_too_and_the_argument_wins_over_it(project: Project) -> None:
    project.ini("tapes_mode = record")
    project.write(BLOCK)
    project.run().assert_outcomes(passed=1)
    assert (project.path / "own/it.json").exists()
    project.edit('it.json"', 'it.json", mode="replay"')
    project.replay(passed=1)
    project.edit('"hi"', '"ho"')
    project.run().assert_outcomes(failed=1)


def test_a_divergence_is_shown_as_any_other(project: Project) -> None:
    project.ini()
    project.write(BLOCK)
    project.run("--record-tapes").assert_outcomes(passed=1)
    project.edit('say("hi")', 'say("ho")')
    result = project.replay(failed=1)
    told = result.stdout.str()
    assert "pytest_proctape/" not in told
    result.stdout.fnmatch_lines(
        ["*the tape has (entry 1 of 1 in own/it.json)*", "*pytest --record-tapes test_it.py::test_it"]
    )


def test_one_that_is_swallowed_fails_at_the_end_of_the_block(project: Project) -> None:
    project.write(BLOCK)
    project.run("--record-tapes").assert_outcomes(passed=1)
    project.edit('assert say("hi") == b"hi\\n"', 'try: say("ho")\n        except Exception: pass')
    project.edit("assert [spawn", "return; [spawn")
    project.replay(failed=1).stdout.fnmatch_lines(["*Divergence*"])


def test_what_is_left_over_fails_at_the_end_of_the_block(project: Project) -> None:
    project.write(BLOCK)
    project.run("--record-tapes").assert_outcomes(passed=1)
    project.edit('assert say("hi") == b"hi\\n"', "return")
    project.replay(failed=1).stdout.fnmatch_lines(["*Leftover*"])


def test_the_summary_counts_blocks(project: Project, run_options: tuple[str, ...]) -> None:
    project.write(BLOCK)
    result = project.run("--record-tapes", *run_options)
    assert "use_tape: 1 recorded; spawns: 1 real" in result.outlines
    result = project.replay(*run_options)
    assert "use_tape: 1 replayed; spawns: 1 replayed" in result.outlines


def test_a_block_inside_a_taped_test_has_the_inner_spawns(project: Project) -> None:
    project.write(
        """
        import subprocess, threading
        from pytest_proctape import use_tape

        def say(word):
            return subprocess.check_output(["echo", word])

        def test_it(tape):
            say("one")
            with use_tape("inner.json") as inner:
                say("two")
                with use_tape("innermost.json") as innermost:
                    say("three")
                    thread = threading.Thread(target=say, args=["four"])
                    thread.start()
                    thread.join()
                say("five")
            say("six")
            told = [[spawn.args[0] for spawn in one.spawns] for one in (tape, inner, innermost)]
            assert told == [["one", "six"], ["two", "five"], ["three", "four"]]
        """
    )
    project.record()
    assert project.commands() == ["echo one", "echo six"]
    project.replay(passed=1)


def test_tasks_have_blocks_of_their_own(project: Project) -> None:
    project.write(
        """
        import asyncio
        import pytest
        from pytest_proctape import use_tape

        async def say(word):
            process = await asyncio.create_subprocess_exec("echo", word, stdout=-1)
            return (await process.communicate())[0].decode().strip()

        async def taped(word):
            async with use_tape(f"{word}.json") as tape:
                first = await say(word)
                second = await asyncio.gather(say(word + "2"))
                assert [spawn.args[0] for spawn in tape.spawns] == [word, word + "2"]
                return [first, *second]

        async def work():
            words = ["a", "b", "c"]
            assert await asyncio.gather(*map(taped, words)) == [[word, word + "2"] for word in words]
            return await say("after")

        def test_it(tape):
            assert asyncio.run(work()) == "after"
            assert [spawn.args[0] for spawn in tape.spawns] == ["after"]

        def test_untaped():
            with use_tape("work.json") as tape:
                asyncio.run(work())
                assert [spawn.args[0] for spawn in tape.spawns] == ["after"]
        """
    )
    project.record(passed=2)
    project.replay(passed=2)


@pytest.mark.parametrize("first", ["a", "b"])
def test_the_clock_stands_until_the_last_of_several_blocks_has_ended(project: Project, first: str) -> None:
    """Those of tasks and generators end in any order."""
    project.write(
        f"""
        import json, subprocess, time
        from pathlib import Path
        from pytest_proctape import use_tape

        def test_it():
            before = time.time()
            blocks = {{name: use_tape(f"{{name}}.json", clock=True) for name in "ab"}}
            for block in blocks.values():
                block.__enter__()
            blocks.pop("{first}").__exit__(None, None, None)
            seen = [time.time()]
            subprocess.run(["sleep", "0.1"], check=True)
            time.sleep(0.2)
            subprocess.run(["sleep", "0.1"], check=True)
            seen.append(time.time())
            blocks.popitem()[1].__exit__(None, None, None)
            assert time.time() - before > 0 and time.time() > seen[0]
            with Path("seen").open("a") as file:
                print(json.dumps(seen), file=file)
        """
    )
    project.record()
    project.replay()
    recorded, replayed = (json.loads(line) for line in (project.path / "seen").read_text().splitlines())
    assert replayed == recorded
    # A clock that had gone would stand, or show the years since.
    assert 0.2 < recorded[1] - recorded[0] < 3600


def test_a_clock_of_the_test_outlives_a_block(project: Project) -> None:
    project.write(
        """
        import subprocess, time
        from freezegun import freeze_time
        from pytest_proctape import use_tape

        def test_it(tape):
            with freeze_time("2031-02-03"):
                began = time.time()
                subprocess.run(["true"])
                with use_tape("inner.json"):
                    subprocess.run(["true"])
                if tape.mode == "replay":
                    time.sleep(3600)
                    assert time.time() - began > 3600
        """
    )
    project.record()
    project.replay()


@pytest.mark.parametrize("library", ["trio", "anyio"])
def test_trio_tasks_have_blocks_of_their_own(project: Project, library: str) -> None:
    pytest.importorskip("trio")
    pytest.importorskip("anyio")
    project.write(
        """
        import anyio
        from pytest_proctape import use_tape

        async def taped(word):
            async with use_tape(f"{word}.json"):
                result = await anyio.run_process(["echo", word])
                assert result.stdout == word.encode() + b"\\n"

        async def work():
            async with anyio.create_task_group() as group:
                for word in "abc":
                    group.start_soon(taped, word)

        def test_it():
            anyio.run(work, backend=BACKEND)
        """.replace("BACKEND", repr("trio" if library == "trio" else "asyncio"))
    )
    project.record()
    project.replay()


def test_it_decorates_functions_of_all_kinds(project: Project) -> None:
    project.write(
        """
        import asyncio, contextlib, subprocess
        import pytest
        from pytest_proctape import use_tape

        def say(word):
            return subprocess.check_output(["echo", word]).decode().strip()

        @use_tape("plain.json")
        def plain(word):
            return say(word)

        @use_tape("coroutine.json")
        async def coroutine(word):
            await asyncio.sleep(0)
            return say(word)

        @use_tape("generator.json")
        def generator(word):
            got = yield say(word)
            assert got == "sent"
            yield say("second")
            return "returned"

        @use_tape("asyncgen.json")
        async def asyncgen(word):
            yield say(word)
            yield say("second")

        @pytest.fixture
        @use_tape("fixture.json")
        def fixture():
            yield say("setup")
            say("teardown")

        @use_tape("with_fixture.json")
        def test_with_a_fixture(fixture, tmp_path):
            assert (fixture, say("test")) == ("setup", "test")

        def test_all():
            for _ in range(2):
                assert plain("x") == "x"
                assert asyncio.run(coroutine("x")) == "x"
                made = generator("x")
                assert (next(made), made.send("sent")) == ("x", "second")
                with pytest.raises(StopIteration, match="returned"):
                    next(made)

            async def collect():
                return [one async for one in asyncgen("x")]

            assert asyncio.run(collect()) == ["x", "second"]
            assert plain.__name__ == "plain"
        """
    )
    project.record(passed=2)
    project.replay(passed=2)


def test_a_session_fixture_may_hold_a_block_open(project: Project) -> None:
    project.write(
        """
        import subprocess
        import pytest
        from pytest_proctape import use_tape

        def say(word):
            return subprocess.check_output(["echo", word]).decode().strip()

        @pytest.fixture(scope="session", autouse=True)
        def around():
            with use_tape("around.json") as tape:
                say("setup")
                yield tape

        def test_untaped(around):
            assert say("one") == "one"
            assert len(around.spawns) == 2

        def test_taped(tape, around):
            assert say("two") == "two"
            assert (len(tape.spawns), len(around.spawns)) == (1, 2)
        """
    )
    project.record(passed=2)
    entries = json.loads((project.path / "around.json").read_bytes())["entries"]
    assert [entry["args"] for entry in entries] == [["setup"], ["one"]]
    project.replay(passed=2)


def test_it_takes_what_the_marker_takes(project: Project) -> None:
    project.write(
        """
        import subprocess
        from pytest_proctape import use_tape

        def test_it():
            with use_tape("x.json", order="any", match_on=["program"]):
                for word in ["one", "two"]:
                    subprocess.run(["echo", word])
                subprocess.run(["true"])
        """
    )
    project.record()
    project.edit('subprocess.run(["true"])', "pass")
    project.edit("for word", 'subprocess.run(["true"])\n        for word')
    project.edit('"two"', '"three"')
    project.replay()


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_secrets_do_not_get_onto_the_tape(python: Run, tmp_path: Path, project: Project, where: str) -> None:
    code = (
        "import os, subprocess\n"
        "from pytest_proctape import use_tape\n\n"
        "def test_it():\n"
        "    with use_tape('x.json'):\n"
        "        told = subprocess.check_output(['echo', os.environ['API_TOKEN']], text=True)\n"
        "        assert told.strip() == os.environ['API_TOKEN']\n"
    )
    first, second = "s3cret-Value-0123456789", "another-Value-9876543210"
    if where == "outside":
        (tmp_path / "script.py").write_text(code + "\ntest_it()\n")
        for variables in ({"PROCTAPE_MODE": "record", "API_TOKEN": first}, {"API_TOKEN": second}):
            assert python("script.py", **variables).stderr == ""
        tape = (tmp_path / "x.json").read_text()
    else:
        project.write(code)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("API_TOKEN", first)
            project.record()
            patch.setenv("API_TOKEN", second)
            project.replay()
        tape = (project.path / "x.json").read_text()
    assert first not in tape


def test_it_has_a_clock(python: Run, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import subprocess, time\n"
        "from pytest_proctape import use_tape\n\n"
        "with use_tape('x.json', clock=True):\n"
        "    before = time.monotonic()\n"
        "    subprocess.run(['echo'])\n"
        "    time.sleep(0.25)\n"
        "    print(time.monotonic() - before, time.time())\n"
        "assert type(time.sleep).__name__ == 'builtin_function_or_method'\n"
    )
    recorded = python("script.py", PROCTAPE_MODE="record")
    assert recorded.stderr == ""
    replayed = python("script.py", path="")
    assert replayed.stderr == ""
    assert [float(one) for one in replayed.stdout.split()] == pytest.approx(
        [float(one) for one in recorded.stdout.split()], abs=0.01
    )


def test_paths_are_portable(project: Project) -> None:
    project.write(
        """
        import os, subprocess
        from pytest_proctape import use_tape

        def test_it(tape, tmp_path):
            with use_tape("it.json"):
                command = ["printf", "%s\\n", str(tmp_path / "x"), os.path.dirname(__file__)]
                told = subprocess.check_output(command).decode().splitlines()
                assert told == command[2:]
        """
    )
    project.ini()
    project.record()
    assert '"<tmp>/x"' in (project.path / "it.json").read_text()
    assert '"<root>"' in (project.path / "it.json").read_text()
    project.replay()


# -- what is refused, and what is kept ---------------------------------------------------------


@pytest.mark.parametrize(
    "call, told",
    [
        ("use_tape('x', mod='live')", ["use_tape('x') has no argument 'mod'", "did you mean 'mode'"]),
        ("use_tape('x', mode='lvie')", ["use_tape('x'): mode=", "did you mean 'live'"]),
        ("use_tape('x')(dict)", ["can't decorate the class dict"]),
    ],
)
def test_what_is_not_understood_is_told(project: Project, call: str, told: list[str]) -> None:
    project.write(f"from pytest_proctape import use_tape\n\ndef test_it():\n    {call}\n")
    text = project.run("--tb=short").stdout.str()
    assert "UsageError" in text
    for words in told:
        assert words in text


def test_one_object_is_one_block_at_a_time(project: Project) -> None:
    project.write(
        """
        import pytest
        from pytest_proctape import UsageError, use_tape

        def test_it():
            one = use_tape("x.json", mode="live")
            for _ in range(2):
                with one:
                    with pytest.raises(UsageError, match="in use already"):
                        one.__enter__()
        """
    )
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("error", ["ValueError", "SystemExit", "KeyboardInterrupt", "unittest.SkipTest"])
def test_a_block_that_fails_replaces_no_tape(project: Project, error: str) -> None:
    project.write(
        f"""
        import subprocess, unittest
        import pytest
        from pytest_proctape import use_tape

        def test_it():
            with pytest.raises({error}), use_tape("x.json"):
                subprocess.check_output(["echo", "hi"])
                # raise {error}

        def test_untouched():
            import subprocess
            assert subprocess.Popen._wait.__module__ == "subprocess"
        """
    )
    project.run("--record-tapes", "--deselect", "test_it.py::test_untouched").assert_outcomes(
        failed=1, deselected=1
    )
    before = (project.path / "x.json").read_bytes()
    project.edit("# raise", "raise")
    project.edit('"hi"', '"ho"')
    project.run("--record-tapes").assert_outcomes(passed=2)
    assert (project.path / "x.json").read_bytes() == before
    assert (project.path / "x.json.failed").exists() == (error == "ValueError")


ENDED = """
    import asyncio, contextlib, subprocess
    import pytest
    from pytest_proctape import use_tape

    def echo(word):
        return subprocess.run(["echo", word], capture_output=True, text=True).stdout
"""


@pytest.mark.parametrize("how", ["task.cancel()", "await anext(values)", "values.close()"])
def test_a_block_that_is_ended_from_outside_has_a_tape(project: Project, how: str) -> None:
    body = {
        "task.cancel()": """
        async def serve():
            async with use_tape("x.json"):
                echo("one")
                await asyncio.sleep(100)

        async def main():
            task = asyncio.create_task(serve())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        asyncio.run(main())
        """,
        "await anext(values)": """
        async def some():
            async with use_tape("x.json"):
                yield echo("one")
                yield echo("two")

        async def main():
            values = some()
            assert await anext(values) == "one\\n"
        asyncio.run(main())
        """,
        "values.close()": """
        def some():
            with use_tape("x.json"):
                yield echo("one")
                yield echo("two")

        values = some()
        assert next(values) == "one\\n"
        values.close()
        """,
    }[how]
    project.write(ENDED + "\n    def test_it():" + body)
    project.run("--record-tapes").assert_outcomes(passed=1)
    before = (project.path / "x.json").read_bytes()
    project.run().assert_outcomes(passed=1)
    project.edit('echo("one")', 'echo("ONE")' if "task" in how else 'echo("one ".strip())')
    told = project.run("--record-tapes").stdout
    told.fnmatch_lines(["*not recorded, as the block was left by * and has a tape: x.json; this attempt is*"])
    assert (project.path / "x.json").read_bytes() == before


LEFT = """
    import contextvars, os, subprocess, threading
    from pytest_proctape import use_tape

    def echo(word):
        return subprocess.run(["echo", word], capture_output=True, text=True).stdout

    OTHER = contextvars.copy_context()

    def in_a_thread(call, *args):
        thread = threading.Thread(target=call, args=args)
        thread.start()
        thread.join()
"""


@pytest.mark.parametrize("leaves", ["OTHER.run", "in_a_thread"])
def test_a_block_that_is_left_elsewhere_is_over_where_it_was_entered(project: Project, leaves: str) -> None:
    project.write(
        LEFT
        + f"""
    def test_it():
        outer, inner = use_tape("outer.json"), use_tape("inner.json")
        outer.__enter__()
        inner.__enter__()
        assert echo("inner") == "inner\\n"
        {leaves}(inner.__exit__, None, None, None)
        assert echo("outer") == "outer\\n"
        {leaves}(outer.__exit__, None, None, None)
        assert echo("after") == "after\\n"

    def test_entered_elsewhere():
        tape = use_tape("elsewhere.json")
        OTHER.run(tape.__enter__)
        assert OTHER.run(echo, "inside") == "inside\\n"
        assert echo("outside") == "outside\\n"
        tape.__exit__(None, None, None)
        assert OTHER.run(echo, "after") == echo("after")
    """
    )
    for options in (["--record-tapes"], []):
        project.run(*options).assert_outcomes(passed=2)
        for name in ("outer", "inner", "inside"):
            tape = {"inside": "elsewhere"}.get(name, name)
            entries = json.loads((project.path / f"{tape}.json").read_text())["entries"]
            assert [entry["args"] for entry in entries] == [[name]]


def test_a_task_that_outlives_its_block_starts_nothing_on_replay(project: Project) -> None:
    project.write(
        ENDED
        + """
    def test_it():
        async def late(left):
            await left.wait()
            return echo("late")

        async def main():
            left = asyncio.Event()
            with use_tape("outer.json"):
                with use_tape("x.json"):
                    echo("one")
                    task = asyncio.create_task(late(left))
                left.set()
                assert echo("outer") == "outer\\n"
                return await task
        assert asyncio.run(main()) == "late\\n"
    """
    )
    project.run("--record-tapes").assert_outcomes(passed=1)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*UnsupportedSpawn: *made after its test had ended*"])


def test_a_forked_copy_leaves_the_tape_of_its_parent_alone(project: Project) -> None:
    project.write(
        LEFT
        + """
    def test_it():
        with use_tape("x.json", clock=True) as tape:
            echo("one")
            pid = os.fork()
            if pid:
                assert os.waitpid(pid, 0)[1] == 0
                early = os.path.exists("x.json") and os.path.exists("new")
                echo("two")
        if not pid:
            os._exit(0)
        assert not early

    def test_its_own():
        with use_tape("outer.json"):
            echo("outer")
            pid = os.fork()
            if not pid:
                code = 1
                try:
                    with use_tape("own.json"):
                        code = 0 if echo("own") == "own\\n" else 2
                finally:
                    os._exit(code)
            assert os.waitpid(pid, 0)[1] == 0
            echo("again")
    """
    )
    (project.path / "new").touch()
    project.run("--record-tapes").assert_outcomes(passed=2)
    (project.path / "new").unlink()
    project.run().assert_outcomes(passed=2)
    assert not project.real
    for name, words in {"x": ["one", "two"], "outer": ["outer", "again"], "own": ["own"]}.items():
        entries = json.loads((project.path / f"{name}.json").read_text())["entries"]
        assert [entry["args"] for entry in entries] == [[word] for word in words]


def test_a_tape_through_a_symbolic_link_is_the_file_behind_it(project: Project) -> None:
    project.write(BLOCK)
    (project.path / "elsewhere").mkdir()
    (project.path / "own").symlink_to("elsewhere")
    project.run("--record-tapes").assert_outcomes(passed=1)
    assert (project.path / "elsewhere/it.json").exists()
    project.replay(passed=1)


@pytest.mark.parametrize("where", ["intercept.freeze", "GUARDIAN.engage", "Pace"])
def test_nothing_is_left_of_a_block_that_can_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    real = os.kill, subprocess.run
    with monkeypatch.context() as patch:
        patch.setattr(f"pytest_proctape.{'use' if where == 'Pace' else 'active'}.{where}", interrupt)
        block = pytest_proctape.use_tape(tmp_path / "x.json", mode="record", clock=True)
        with pytest.raises(KeyboardInterrupt), block:
            pass
    assert (os.kill, subprocess.run) == real
    assert intercept.current() is None
    with block:
        assert subprocess.run(["true"]).returncode == 0
    assert (os.kill, subprocess.run) == real
