"""A test that parted from its tape fails in its call phase, whoever met or swallowed the error."""

from __future__ import annotations

import sys

import pytest

from tests.options.parting import DIVERGENCE, EXHAUSTION, HEAD, QUIET, in_test, with_fixture
from tests.options.project import Project

SWALLOWED = {
    "except": """
        try:
            say("test")
        except Exception:
            pass
    """,
    "bare except": """
        try:
            say("test")
        except:
            pass
    """,
    "suppress": """
        with contextlib.suppress(BaseException):
            say("test")
    """,
    "raises": """
        with pytest.raises(Exception):
            say("test")
    """,
    "return in finally": """
        def quiet():
            try:
                say("test")
            finally:
                return
        quiet()
    """,
    "thread": """
        thread = threading.Thread(target=lambda: contextlib.suppress(Exception).__enter__() or quiet())
        def quiet():
            try:
                say("test")
            except Exception:
                pass
        thread.start()
        thread.join()
    """,
    "pool": """
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(say, "test")
    """,
    "asyncio task": """
        async def main():
            task = asyncio.ensure_future(asyncio.create_subprocess_exec("echo", "test"))
            await asyncio.wait([task])
            assert task.exception() is not None
        asyncio.run(main())
    """,
    "asyncio callback": """
        async def main():
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda loop, context: None)
            loop.call_soon(say, "test")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        asyncio.run(main())
    """,
    "to_thread": """
        async def main():
            with contextlib.suppress(Exception):
                await asyncio.to_thread(say, "test")
        asyncio.run(main())
    """,
    "del": """
        class Late:
            def __del__(self):
                with contextlib.suppress(Exception):
                    say("test")
        Late()
    """,
}
if sys.version_info >= (3, 14):
    # CPython warns of it when it is compiled, and warnings are errors here: PEP 765.
    del SWALLOWED["return in finally"]


@pytest.mark.parametrize("how", SWALLOWED)
@pytest.mark.parametrize("what", ["divergence", "exhaustion", "no tape"])
def test_a_swallowed_error_fails_the_call(project: Project, what: str, how: str) -> None:
    if what != "no tape":
        project.write_tape(*(DIVERGENCE if what == "divergence" else EXHAUSTION))
    project.write(in_test(SWALLOWED[how]))
    result = project.replay(failed=1)
    name = {"divergence": "Divergence", "exhaustion": "Exhaustion", "no tape": "TapeNotFound"}[what]
    result.stdout.fnmatch_lines([f"E *{name}: *", "*pytest --record-tapes test_it.py::test_it"])
    assert "echo test" in result.stdout.str()


def test_a_swallowed_error_fails_the_call_on_workers_too(project: Project) -> None:
    pytest.importorskip("xdist")
    project.write_tape(*DIVERGENCE)
    project.write(in_test(SWALLOWED["except"]))
    result = project.replay("-p", "xdist", "-n", "2", failed=1)
    result.stdout.fnmatch_lines(["E *Divergence: *", "*args[[]0[]]  tape: tape", "*test: test"])


def test_an_unhandled_error_in_a_thread_fails_the_call(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(
        in_test(
            """
        thread = threading.Thread(target=say, args=["test"])
        thread.start()
        thread.join()
    """
        )
    )
    result = project.replay("-W", "ignore", failed=1)
    result.stdout.fnmatch_lines(["E *Divergence: *"])


def test_the_first_of_many_errors_is_told(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(
        in_test(
            """
        for word in ("first", "second"):
            with contextlib.suppress(Exception):
                say(word)
    """
        )
    )
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["*test: first"])


def test_an_assertion_that_failed_of_a_swallowed_error_shows_both(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(
        in_test(
            """
        word = ""
        with contextlib.suppress(Exception):
            word = say("test")
        assert word == "the tool's own word"
    """
        )
    )
    result = project.replay(failed=1)
    text = result.stdout.str()
    assert "Divergence: the test asked for something else" in text
    assert "assert '' == \"the tool's own word\"" in text


def test_a_test_that_passes_after_all_fails_even_if_the_right_spawn_came_later(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(
        in_test(
            """
        with contextlib.suppress(Exception):
            say("test")
        assert say("tape") == "tape\\n"
    """
        )
    )
    project.replay(failed=1)


# -- fixtures ----------------------------------------------------------------------------------


def test_an_error_in_setup_is_an_error_there(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(with_fixture(setup='say("test")'))
    result = project.replay(errors=1)
    result.stdout.fnmatch_lines(["*ERROR at setup of test_it*", "E *Divergence: *"])


@pytest.mark.parametrize("entries", [DIVERGENCE, EXHAUSTION], ids=["divergence", "exhaustion"])
def test_an_error_swallowed_in_setup_fails_the_test_once(
    project: Project, entries: tuple[dict[str, object], ...]
) -> None:
    project.write_tape(*entries)
    project.write(with_fixture(setup=QUIET))
    result = project.run()
    outcomes = result.parseoutcomes()
    outcomes.pop("warnings", None)
    # The call is where a test fails, but a setup that went wrong may as well be the end of it.
    assert outcomes in ({"failed": 1}, {"errors": 1})
    assert ("Divergence: " if entries else "Exhaustion: ") in result.stdout.str()


@pytest.mark.parametrize("entries", [DIVERGENCE, EXHAUSTION], ids=["divergence", "exhaustion"])
@pytest.mark.parametrize("body", ['say("test")', QUIET], ids=["raised", "swallowed"])
def test_an_error_in_teardown_fails_the_test(
    project: Project, body: str, entries: tuple[dict[str, object], ...]
) -> None:
    project.write_tape(*({**entry, "phase": "teardown"} for entry in entries))
    project.write(with_fixture(teardown=body))
    result = project.replay(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_it*", "E *Divergence: *" if entries else "E *Exhaustion: *"]
    )


def test_an_error_of_a_thread_that_outlives_the_call_fails_the_test(project: Project) -> None:
    project.write_tape(*DIVERGENCE)
    project.write(
        HEAD
        + r"""
go = threading.Event()

@pytest.fixture
def ends(tape):
    yield
    go.set()
    THREADS[0].join()

THREADS = []

def late():
    go.wait()
    with contextlib.suppress(Exception):
        say("test")

def test_it(ends):
    say("tape")
    THREADS.append(threading.Thread(target=late))
    THREADS[0].start()
"""
    )
    result = project.replay(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E *Exhaustion: *"])


# -- unittest ----------------------------------------------------------------------------------

CASE = r"""
@pytest.mark.tape
class TestCase(unittest.TestCase):
    DECORATOR
    def test_it(self):
        BODY
"""


@pytest.mark.parametrize(
    "body", ['say("test")', "try: say('test')\n        except Exception: pass"], ids=["raised", "swallowed"]
)
@pytest.mark.parametrize("decorator", ["", "@unittest.expectedFailure", "@pytest.mark.xfail"])
def test_a_unittest_case_fails_too(project: Project, decorator: str, body: str) -> None:
    project.write_tape(*DIVERGENCE, test="TestCase.test_it")
    project.write(HEAD + CASE.replace("DECORATOR", decorator).replace("BODY", body))
    result = project.replay(failed=1)
    result.stdout.fnmatch_lines(["E *Divergence: *", "*args[[]0[]]  tape: tape", "*test: test"])


def test_a_sub_test_that_diverges_fails_its_test(project: Project) -> None:
    project.write_tape(*DIVERGENCE, test="TestCase.test_it")
    body = "with self.subTest('sub'):\n            say('test')"
    project.write(HEAD + CASE.replace("DECORATOR", "").replace("BODY", body))
    result = project.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["E *Divergence: *"])
