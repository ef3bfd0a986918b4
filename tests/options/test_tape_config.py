"""The fixture `tape_config`, the order of precedence, the header, and keys that are not known."""

from __future__ import annotations

import inspect

import pytest

from pytest_proctape.settings import KEYS
from pytest_proctape.tape_config import TapeConfig
from tests.options.project import Project

TEST = """
    def test_it(tape):
        print("mode:", tape.mode)
"""


def config(mode: str, *, scope: str = "session", extra: str = "") -> str:
    return (
        f"import pytest\n\n@pytest.fixture(scope={scope!r})\n"
        f"def tape_config({extra}):\n    return {{'mode': {mode!r}}}\n"
    )


def modes(result: pytest.RunResult) -> list[str]:
    """The modes that the tests printed."""
    return [line.removeprefix("mode: ") for line in result.outlines if line.startswith("mode: ")]


def text_of(result: pytest.RunResult) -> str:
    return "\n".join([*result.outlines, *result.errlines])


# -- who wins ----------------------------------------------------------------------------------


def test_each_source_wins_over_the_next(project: Project, run_options: tuple[str, ...]) -> None:
    project.write(TEST)
    assert modes(project.run("-rP", *run_options)) == ["replay"]
    project.ini("tapes_mode = record")
    assert modes(project.run("-rP", *run_options)) == ["record"]
    project.write(config("new"), "conftest.py")
    assert modes(project.run("-rP", *run_options)) == ["update"]
    project.edit("def test_it", "import pytest\n\n@pytest.mark.tape(mode='live')\ndef test_it")
    assert modes(project.run("-rP", *run_options)) == ["live"]
    assert modes(project.run("-rP", "--replay-tapes", *run_options)) == ["replay"]


@pytest.mark.parametrize("scope", ["session", "package", "module", "class"])
def test_the_nearest_definition_counts(project: Project, scope: str) -> None:
    project.write(config("live"), "conftest.py")
    project.write(config("record", scope=scope), "near/conftest.py")
    project.write(TEST, "near/test_near.py")
    project.write(TEST, "far/test_far.py")
    assert modes(project.run("-rP")) == ["live", "record"]


def test_a_definition_may_use_fixtures_and_the_one_further_out(project: Project) -> None:
    project.write(config("live", extra="pytestconfig"), "conftest.py")
    project.write(
        """
        import pytest

        @pytest.fixture(scope="module")
        def tape_config(tape_config, request):
            assert request.node.name == "test_near.py"
            return {**tape_config}
        """
        + TEST.replace("\n    ", "\n        "),
        "near/test_near.py",
    )
    assert modes(project.run("-rP")) == ["live"]


def test_it_is_asked_once_for_many_tests(project: Project) -> None:
    project.write(
        """
        import pytest

        @pytest.fixture(scope="session")
        def tape_config():
            print("SAID")
            yield {"mode": "live"}
            print("given back")
        """,
        "conftest.py",
    )
    project.write(TEST + TEST.replace("test_it", "test_two"))
    result = project.run("-s")
    told = result.stdout.str()
    assert (told.count("SAID"), told.count("given back")) == (1, 1)
    result.assert_outcomes(passed=2)


def test_none_says_nothing(project: Project) -> None:
    project.write(config("live").replace("return {'mode': 'live'}", "return None"), "conftest.py")
    project.write(TEST)
    assert modes(project.run("-rP")) == ["replay"]


def test_a_test_that_is_not_taped_is_not_asked(project: Project) -> None:
    project.write(config("live").replace("return", "raise Exception; return"), "conftest.py")
    project.write("def test_it(): pass")
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("scope", ["session", "module"])
def test_what_it_starts_is_on_a_tape_of_its_own(project: Project, scope: str) -> None:
    project.write(
        f"""
        import subprocess
        import pytest

        @pytest.fixture(scope="session")
        def version():
            return subprocess.check_output(["echo", "replay"], text=True).strip()

        @pytest.fixture(scope={scope!r})
        def tape_config(version):
            return {{"mode": subprocess.check_output(["echo", version], text=True).strip()}}
        """,
        "conftest.py",
    )
    project.write(
        """
        import subprocess

        def test_it(tape):
            subprocess.check_output(["echo", "test"])

        def test_other(tape):
            subprocess.check_output(["echo", "other"])
        """
    )
    project.record(passed=2)
    assert len(project.tapes()) == 4
    project.replay(passed=2)
    project.replay("-k", "other", passed=1, deselected=1)


def test_it_holds_for_unittest_and_doctest(project: Project) -> None:
    project.ini("tapes_auto = true")
    project.write(config("live"), "conftest.py")
    project.write(
        '''
        """
        >>> import subprocess
        >>> subprocess.check_output(["echo", "doc"])
        b'doc\\\\n'
        """
        import subprocess, unittest

        class TestIt(unittest.TestCase):
            def test_it(self):
                subprocess.check_output(["echo", "unit"])
        '''
    )
    project.run("--doctest-modules").assert_outcomes(passed=2)
    assert project.tapes() == []


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, told",
    [
        ("{'mod': 'live'}", ["'mod'", "did you mean 'mode'"]),
        ("{'mode': 'lvie'}", ["'lvie'", "did you mean 'live'"]),
        ("{3: 'live'}", ["3"]),
        ("['mode']", ["a dict of settings"]),
        ("{'auto': True}", ["'auto'"]),
    ],
)
def test_what_is_not_understood_is_told_with_its_file(project: Project, value: str, told: list[str]) -> None:
    project.write(config("live").replace("{'mode': 'live'}", value), "sub/conftest.py")
    project.write(TEST, "sub/test_it.py")
    result = project.run()
    result.assert_outcomes(errors=1)
    text = text_of(result)
    for words in ["tape_config in sub/conftest.py", *told]:
        assert words in text
    assert "pytest_proctape/" not in text


def test_one_that_raises_is_an_error_of_the_test(project: Project) -> None:
    project.write(config("live").replace("return", "raise LookupError('no such team')\n#"), "conftest.py")
    project.write(TEST)
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no such team*"])


@pytest.mark.parametrize("how", ["ini", "option"])
def test_an_ini_key_that_is_not_known_is_refused_with_the_nearest(project: Project, how: str) -> None:
    project.ini(*(["tapes_mod = live"] if how == "ini" else []))
    project.write("def test_it(): pass")
    result = project.run(*(["-o", "tapes_mod=live"] if how == "option" else []))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = text_of(result)
    assert "'tapes_mod'" in text
    assert "did you mean 'tapes_mode'" in text
    assert ("pytest.ini" if how == "ini" else "-o has") in text


def test_a_key_of_another_plugin_is_its_own(project: Project) -> None:
    project.ini("tapes_colour = red")
    project.write("def pytest_addoption(parser): parser.addini('tapes_colour', 'a colour')", "conftest.py")
    project.write("def test_it(): pass")
    project.run().assert_outcomes(passed=1)


# -- the header --------------------------------------------------------------------------------


def header(result: pytest.RunResult) -> str:
    return next((line for line in result.outlines if line.startswith("tapes: ")), "")


def test_the_header_tells_what_holds_and_where_it_comes_from(project: Project) -> None:
    project.write("def test_it(): pass")
    assert header(project.run()) == ""
    assert header(project.run("-v")) == "tapes: mode=replay, dir=tapes"
    project.ini("tapes_auto = true", "tapes_dir = tests/tapes")
    assert header(project.run("-v")) == (
        "tapes: mode=replay, auto=true (pytest.ini), dir=tests/tapes (pytest.ini)"
    )
    assert header(project.run("-v", "--record-tapes=new", "-o", "tapes_dir=t")) == (
        "tapes: mode=new (the command line), auto=true (pytest.ini), dir=t (-o)"
    )


# -- editors -----------------------------------------------------------------------------------


def test_every_setting_of_the_marker_is_completed_by_editors() -> None:
    names = {key.name for key in KEYS if key.marker}
    assert set(TapeConfig.__annotations__) == names, "a setting of the marker has its line in TapeConfig"
    for name in names:
        told = inspect.cleandoc(TapeConfig.__doc__ or "")
        assert f"\n    {name}: " in told, f"TapeConfig's docstring tells of {name}"


def test_the_marker_with_completion_is_the_marker(project: Project) -> None:
    project.write(
        """
        import pytest
        from pytest_proctape import taped

        assert taped(mode="live").mark == pytest.mark.tape(mode="live").mark

        @taped(mode="live")
        def test_it(tape):
            assert tape.mode == "live"
        """
    )
    project.run().assert_outcomes(passed=1)


def test_fixtures_reads_well(project: Project) -> None:
    told = project.run("--fixtures").stdout.str()
    assert "tape --" in told
    assert "The tape of this test: its processes are replayed from it, or recorded onto it." in told
    assert "tape_config [session scope] --" in told
    assert "Settings of the taped tests of a directory" in told


def test_markers_reads_well(project: Project) -> None:
    told = next(line for line in project.run("--markers").outlines if line.startswith("@pytest.mark.tape("))
    for key in KEYS:
        assert (f"{key.name}=None" in told) == key.marker
        assert (f"{key.name}: {key.help}" in told) == key.marker
    assert told.endswith("the ini file.")


def test_an_error_of_the_usage_has_no_insides(project: Project) -> None:
    project.write("def test_it(request): request.getfixturevalue('tape')")
    result = project.run()
    assert "name `tape` among its arguments" in text_of(result)
    assert "pytest_proctape/" not in text_of(result)
