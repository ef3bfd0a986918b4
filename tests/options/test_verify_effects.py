"""``--verify-tapes`` holds the files that real tools make against the tapes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.options.project import Project, summary

DRIFT = 8
SCHEMA = Path(__file__).parents[2] / "docs/tapes-report.schema.json"

TOOL = """
    #!/bin/sh
    echo one >out/list
    echo two >>out/list
    printf 'a\\0b' >out/binary
    ln -s list out/link
    mkdir out/empty
    chmod 600 out/binary
    rm given
"""

TEST = """
    import subprocess

    def test_it(tape, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "given").touch()
        subprocess.run([TOOL], cwd=tmp_path, capture_output=True, check=True)
"""


@pytest.fixture
def verified(project: Project) -> Project:
    """A project with a tool of its own, recorded with the files that it makes."""
    project.ini("tapes_effects = true")
    project.write(TEST)
    tool(project)
    project.record()
    return project


def tool(project: Project, *changed: str) -> None:
    path = project.write(TOOL, "tool")
    path.chmod(0o755)
    for old, new in zip(changed[::2], changed[1::2], strict=True):
        project.edit(old, new, "tool")
    text = (project.path / "test_it.py").read_text()
    project.write(text.replace("[TOOL]", f"[{str(path)!r}]"))


def drift(project: Project, *args: str) -> list[str]:
    """What is told, without what is the same in each line."""
    before = project.tapes(), project.tape().read_bytes()
    result = project.run("--verify-tapes", *args)
    assert (project.tapes(), project.tape().read_bytes()) == before
    if result.ret == 0:
        return summary(result)[1:]
    assert result.ret == DRIFT, result.stdout.str()
    told = summary(result)[1:-1]
    head = "effect_mismatch: test_it.py::test_it, entry 1 `'<root>/tool'`: <tmp>/"
    return [line.removeprefix(head).strip() for line in told]


def test_a_tool_that_makes_the_same_files(verified: Project, run_options: tuple[str, ...]) -> None:
    assert drift(verified, *run_options) == []


@pytest.mark.parametrize(
    "changed, told",
    [
        (("two", "2"), ["out/list: content, line 2", "tape: two", "now:  2"]),
        (
            ("'a\\0b'", "'a\\0c'"),
            [
                "out/binary: content",
                "tape: 3 bytes, from byte 2 on 62",
                "now:  3 bytes, from byte 2 on 63",
            ],
        ),
        (("chmod 600", "chmod 640"), ["out/binary: mode", "tape: 600", "now:  640"]),
        (("ln -s list", "ln -s binary"), ["out/link: link target", "tape: list", "now:  binary"]),
        (
            ("mkdir out/empty", "echo >out/empty"),
            ["out/empty: kind", "tape: a directory", "now:  a file, 1 byte"],
        ),
        (("mkdir out/empty", "true"), ["out/empty: file", "tape: a directory", "now:  (nothing)"]),
        (
            ("mkdir", "echo >out/more; mkdir"),
            ["out/more: file", "tape: (nothing)", "now:  a file, 1 byte"],
        ),
        (("rm given", "true"), ["given: file", "tape: removed", "now:  (left as it was)"]),
        (
            ("rm given", "rm given; chmod 711 out"),
            ["out: file", "tape: (left as it was)", "now:  mode 711"],
        ),
    ],
)
def test_a_file_that_is_another(verified: Project, changed: tuple[str, str], told: list[str]) -> None:
    tool(verified, *changed)
    assert drift(verified) == told


def test_what_is_volatile_in_files_and_their_names_does_not_count(verified: Project) -> None:
    tool(verified, "two", "2", "out/empty", "out/made-17")
    assert len(drift(verified)) == 9
    verified.ini("tapes_effects = true", "tapes_volatile =", "    two|^2", "    empty|made-\\d+")
    tool(verified, "two", "two", "out/empty", "out/made-17")
    assert drift(verified) == []


def test_a_marker_asks_for_it_as_well(verified: Project) -> None:
    verified.ini()
    tool(verified, "two", "2")
    assert drift(verified) == []
    verified.edit("def test_it", "import pytest\n@pytest.mark.tape(effects=True)\ndef test_it")
    assert drift(verified)[0] == "out/list: content, line 2"


def test_a_hook_says_what_does_not_count(verified: Project) -> None:
    tool(verified, "two", "2", "echo one", "echo said; echo one")
    verified.write(
        """
        import re

        def pytest_proctape_normalise(data, field, nodeid):
            assert nodeid == "test_it.py::test_it"
            if field == "stdout":
                return b""
            if field.endswith("/list"):
                return re.sub(b"two|2", b"2", data)
        """,
        "conftest.py",
    )
    assert drift(verified) == []


def test_a_hook_that_gives_something_else_is_an_error(verified: Project) -> None:
    verified.write("def pytest_proctape_normalise(data): return 3", "conftest.py")
    result = verified.run("--verify-tapes")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "pytest_proctape_normalise" in result.stdout.str()
    assert "gave 3, not bytes" in result.stdout.str()


def test_the_report_has_it_as_data(verified: Project) -> None:
    tool(verified, "two", "2")
    verified.run("--verify-tapes", "--tapes-report=report.json")
    told = json.loads((verified.path / "report.json").read_text())
    schema = json.loads(SCHEMA.read_text())
    tape = told["tapes"][-1]
    assert tape["entries"] == 1
    assert (tape["mode"], tape["outcome"], told["totals"]["drift"]) == ("verify", "verified", 1)
    assert [(one["kind"], one["file"], one["line"]) for one in tape["drift"]] == [
        ("effect_mismatch", "<tmp>/out/list", 2)
    ]
    assert set(tape) == set(schema["$defs"]["tape"]["required"])
    assert set(tape["drift"][0]) == set(schema["$defs"]["finding"]["required"])
    assert tape["mode"] in schema["$defs"]["tape"]["properties"]["mode"]["enum"]
    assert tape["outcome"] in schema["$defs"]["outcome"]["enum"]
