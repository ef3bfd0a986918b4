"""Tapes that no test owns: counted when the whole suite ran, and never otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.options.project import ON_WORKERS, Project, summary

SUITE = """
    import subprocess
    import pytest

    @pytest.fixture(scope="module", params=["x"])
    def wide(request):
        return subprocess.check_output(["echo", request.param])

    def test_it(tape):
        subprocess.run(["echo", "it"], capture_output=True)

    class TestClass:
        @pytest.mark.parametrize("word", ["a", "b"])
        def test_method(self, tape, wide, word):
            subprocess.run(["echo", word], capture_output=True)
"""
ORPHANED = "orphaned, no test owns them: "


@pytest.fixture
def suite(project: Project) -> Project:
    project.write(SUITE)
    project.write(SUITE, "sub/test_sub.py")
    project.record(passed=6)
    assert len(project.tapes()) == 8
    return project


def orphans(result: pytest.RunResult) -> list[str]:
    """What the summary says of orphans: the count, then the paths."""
    lines = summary(result)
    starts = [index for index, line in enumerate(lines) if line.startswith(ORPHANED)]
    if not starts:
        return []
    return [lines[starts[0]].removeprefix(ORPHANED), *(line.strip() for line in lines[starts[0] + 1 :])]


def add_orphan(suite: Project, name: str = "tapes/test_it/test_gone.json") -> Path:
    path = suite.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = name.removeprefix("tapes/").replace("/test_", ".py::test_", 1).removesuffix(".json")
    path.write_text(json.dumps({"version": 2, "test": owner, "entries": []}))
    return path


def test_a_suite_whose_tapes_are_all_owned_says_nothing(suite: Project, run_options: tuple[str, ...]) -> None:
    assert orphans(suite.replay(*run_options, passed=6)) == []
    assert len(suite.tapes()) == 8


def test_an_orphan_is_counted_and_named(suite: Project, run_options: tuple[str, ...]) -> None:
    add_orphan(suite)
    result = suite.replay(*run_options, passed=6)
    assert orphans(result) == [
        "1 tape; delete with: pytest --tapes-orphans=delete",
        "tapes/test_it/test_gone.json",
    ]
    assert result.ret == 0


@pytest.mark.parametrize(
    "edit",
    [
        ('"a", "b"', '"a"'),
        ("def test_it", "def test_other"),
        ("class TestClass", "class TestOther"),
        ("def wide", "def broad"),
    ],
)
def test_what_no_test_asks_for_any_more_is_an_orphan(suite: Project, edit: tuple[str, str]) -> None:
    suite.edit(*edit)
    suite.edit("tape, wide", "tape, " + ("broad" if "broad" in edit[1] else "wide"))
    before = set(suite.tapes())
    result = suite.run("--record-tapes=missing", "-v")
    assert result.ret == 0
    told = {line.removeprefix("tapes/") for line in orphans(result)[1:]}
    assert told
    assert told < before
    # ... and recording anew brings the rest back.
    result = suite.run("--tapes-orphans=delete")
    assert result.ret == 0
    assert not told & set(suite.tapes())
    assert orphans(suite.replay()) == []


def test_the_tapes_of_a_module_that_is_gone_are_orphans(suite: Project) -> None:
    (suite.path / "sub/test_sub.py").unlink()
    assert orphans(suite.replay(passed=3))[0].startswith("4 tapes; ")


@pytest.mark.parametrize(
    "options",
    [
        ["-k", "it"],
        ["-m", "not slow", "-k", "test"],
        ["test_it.py"],
        ["sub"],
        ["--deselect", "test_it.py::test_it"],
        ["--ignore", "sub"],
        ["--lf"],
        ["--collect-only"],
        ["--setup-only"],
        ["-x"],
        ["--maxfail=1"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("workers", [(), ON_WORKERS], ids=["plain", "xdist"])
def test_nothing_is_said_of_a_part(suite: Project, options: list[str], workers: tuple[str, ...]) -> None:
    orphan = add_orphan(suite)
    if options[0] in {"-x", "--maxfail=1"}:
        suite.write("def test_fails(): assert False", "test_a.py")
    result = suite.run(*options, *workers, "--tapes-orphans=delete")
    assert orphans(result) == []
    assert orphan.exists()


@pytest.mark.parametrize("workers", [(), ON_WORKERS], ids=["plain", "xdist"])
@pytest.mark.parametrize(
    "broken",
    [
        "import no_such_module",
        "import pytest\n\npytest.exit('enough')",
        "import os\n\ndef test_it(): os._exit(3)",
        "def test_it(): raise KeyboardInterrupt",
    ],
)
def test_nothing_is_said_of_a_run_that_broke(suite: Project, broken: str, workers: tuple[str, ...]) -> None:
    if "os._exit" in broken and not workers:
        pytest.skip("then pytest itself is gone")
    suite.write(broken, "test_broken.py")
    orphan = add_orphan(suite)
    result = suite.run_apart("--tapes-orphans=delete", "--continue-on-collection-errors", *workers)
    assert orphans(result) == []
    assert orphan.exists()


def test_a_plugin_that_deselects_on_workers_is_noticed(suite: Project) -> None:
    suite.write(
        """
        def pytest_collection_modifyitems(config, items):
            config.hook.pytest_deselected(items=[items.pop()])
        """,
        "conftest.py",
    )
    orphan = add_orphan(suite)
    suite.run(*ON_WORKERS, "--tapes-orphans=delete")
    assert orphan.exists()


def test_a_module_that_is_skipped_as_a_whole_keeps_its_tapes(
    suite: Project, run_options: tuple[str, ...]
) -> None:
    suite.edit(
        "import pytest\n",
        'import pytest\npytest.skip("no tool", allow_module_level=True)\n',
        "sub/test_sub.py",
    )
    assert orphans(suite.replay(*run_options)) == []


def test_a_skipped_test_keeps_the_tape_of_its_fixture(suite: Project) -> None:
    suite.edit("class TestClass", "@pytest.mark.skip\n    class TestClass".replace("    class", "class"))
    assert orphans(suite.replay(passed=4, skipped=2)) == []


def test_the_root_by_name_is_the_whole_suite(suite: Project) -> None:
    add_orphan(suite)
    assert orphans(suite.replay(".", passed=6)) != []


def test_testpaths_are_the_whole_suite(suite: Project) -> None:
    suite.ini("testpaths = test_it.py sub")
    add_orphan(suite)
    assert orphans(suite.replay(passed=6)) != []


def test_fail_fails_the_run(suite: Project, run_options: tuple[str, ...]) -> None:
    assert suite.replay(*run_options, "--tapes-orphans=fail").ret == 0
    add_orphan(suite)
    result = suite.run(*run_options, "--tapes-orphans=fail")
    result.assert_outcomes(passed=6)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([ORPHANED + "1 tape; the run fails for them; delete with: *"])


def test_delete_deletes_tapes_attempts_payloads_and_empty_folders(suite: Project) -> None:
    before = suite.tapes()
    orphan = add_orphan(suite, "tapes/old/test_old.json")
    orphan.with_name("test_old.json.failed").write_text(orphan.read_text())
    payloads = suite.path / "tapes/_payloads"
    payloads.mkdir()
    used, unused, of_orphan = ("1" * 64, "2" * 64, "3" * 64)
    for name in (used, unused, of_orphan):
        (payloads / name).write_bytes(b"")
    orphan.write_text(json.dumps({"version": 2, "test": "old.py::test_old", "note": of_orphan}))
    attempt = suite.path / "tapes/test_it/test_it.json.failed"
    attempt.write_text(json.dumps({"sha256": used}))
    kept = [*before, f"_payloads/{used}", "test_it/test_it.json.failed"]

    assert orphans(suite.run())[0].startswith("2 tapes and 1 payload; delete with")
    result = suite.run("--tapes-orphans=delete")
    assert orphans(result)[0] == "2 tapes and 2 payloads; deleted"
    assert suite.tapes() == sorted(kept)
    assert not (suite.path / "tapes/old").exists()
    assert orphans(suite.run("--tapes-orphans=delete")) == []


def test_nothing_is_deleted_where_a_test_failed(suite: Project) -> None:
    suite.write("def test_fails(): assert False", "test_fails.py")
    orphan = add_orphan(suite)
    assert orphans(suite.run("--tapes-orphans=delete"))[0].startswith("1 tape; delete with")
    assert orphan.exists()


def test_what_is_not_a_tests_is_left_alone(suite: Project) -> None:
    for name in ("tapes/by-hand.json", "tapes/notes.txt", "tapes/data/shared.json", "tapes/.hidden.json"):
        path = suite.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("[]")
    before = suite.tapes()
    assert orphans(suite.replay("--tapes-orphans=delete", passed=6)) == []
    assert suite.tapes() == before


def test_a_tape_of_use_tape_is_left_alone(suite: Project) -> None:
    suite.write(
        """
        import subprocess
        from pytest_proctape import use_tape

        def test_blocks():
            for path in ("tapes/block.json", "tapes/test_it/test_block.json", "tapes/sub/block[x].json"):
                with use_tape(path):
                    subprocess.run(["echo", "block"], capture_output=True)
        """,
        "test_blocks.py",
    )
    suite.record(passed=7)
    before = suite.tapes()
    assert "test_it/test_block.json" in before
    suite.write("def test_blocks(): pass", "test_blocks.py")
    assert orphans(suite.run("--tapes-orphans=delete")) == []
    assert suite.tapes() == before


def test_the_ini_file_says_it_too(suite: Project) -> None:
    add_orphan(suite)
    suite.ini("tapes_orphans = fail")
    assert suite.run().ret == pytest.ExitCode.TESTS_FAILED
    assert suite.run("--tapes-orphans=report").ret == 0
    suite.ini("tapes_orphans = fial")
    result = suite.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'fail'?" in "\n".join([*result.errlines, *result.outlines])
