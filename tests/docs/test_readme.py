"""The documentation says what is so: its examples are run, its outputs compared, its table made anew."""

from __future__ import annotations

import json
import re
import stat
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import toolchain
from tests.docs import pages
from tests.docs.tables import settings_table, table_in

TEXT = pages.text()
PLUGIN = ("-p", "pytest_proctape.plugin")
Run = Callable[..., pytest.RunResult]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(language: str, *, holding: str = "") -> list[str]:
    """The code blocks of one language that hold this text."""
    return [text for name, text in BLOCK.findall(TEXT) if name == language and holding in text]


def block(language: str, holding: str) -> str:
    (text,) = blocks(language, holding=holding)
    return text


def timeless(line: str) -> str:
    """``line`` without what depends on the machine."""
    line = re.sub(r"[\d.]+ ?m?s\b", "<time>", line)
    line = re.sub(r": <time> saved$", "", line)
    return re.sub(r"=+", "=", line).rstrip()


def assert_output(result: pytest.RunResult, expected: str) -> None:
    """The output has the lines of a block, one behind the other."""
    lines = [timeless(line) for line in result.outlines]
    wanted = [timeless(line) for line in expected.strip().splitlines()]
    starts = [i for i in range(len(lines)) if lines[i : i + len(wanted)] == wanted]
    assert starts, f"the documentation has\n{expected}\nand this is so:\n{result.stdout}"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Pytest in a directory of its own, with nothing but this plugin."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    return lambda *args: pytester.runpytest_subprocess(*PLUGIN, *args)


@pytest.fixture
def example(pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The first example, recorded with a git that has a tag."""
    source = block("python", "# test_release.py")
    (pytester.path / "test_release.py").write_text(source, encoding="utf-8")
    git = pytester.path / "bin" / "git"
    git.parent.mkdir()
    git.write_text("#!/bin/sh\necho v1.2.0\n", encoding="utf-8")
    git.chmod(git.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(git.parent), prepend=":")
    recorded = run("--record-tapes")
    recorded.assert_outcomes(passed=1)
    assert_output(recorded, block("", "1 recorded"))
    git.unlink()
    return run


def test_the_first_example(example: Run, pytester: pytest.Pytester) -> None:
    assert_output(example(), block("", "1 replayed"))
    tape = json.loads((pytester.path / "tapes/test_release/test_latest_tag.json").read_bytes())
    told = json.loads("{" + block("json", '"entries"') + "}")
    for document in (tape, told):
        del document["entries"][0]["duration_ms"]
    assert tape["entries"] == told["entries"]


def test_the_divergence(example: Run, pytester: pytest.Pytester) -> None:
    path = pytester.path / "test_release.py"
    path.write_text(path.read_text().replace("--abbrev=0", "--abbrev=7"), encoding="utf-8")
    result = example("--tb=short")
    (told,) = re.findall(
        r"<!-- divergence-example -->\n```\n(.*?)```\n<!-- /divergence-example -->", TEXT, re.DOTALL
    )
    assert_output(result, told)
    line = example("--tb=line").outlines
    assert "test_release.py:7: Divergence: args[2] is --abbrev=7, on the tape --abbrev=0" in line
    assert "`Divergence: args[2] is --abbrev=7, on the tape --abbrev=0`" in TEXT


def test_the_tape_of_a_failed_test(example: Run, pytester: pytest.Pytester) -> None:
    path = pytester.path / "test_release.py"
    path.write_text(path.read_text().replace("v1.2.0", "v2.0.0"), encoding="utf-8")
    lines = example().outlines

    def undated(line: str) -> str:
        return re.sub(r"recorded on .*", "recorded on <date>", line)

    wanted = [undated(line) for line in block("", "record it again").splitlines()]
    found = [undated(line) for line in lines]
    assert wanted in [found[i : i + len(wanted)] for i in range(len(found))]


def test_tape_config(pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (pytester.path / "conftest.py").write_text(block("python", "def tape_config"), encoding="utf-8")
    (pytester.path / "test_it.py").write_text("def test_it(tape): print('mode', tape.mode)", encoding="utf-8")
    assert "mode replay" in run("-rP").outlines
    monkeypatch.setenv("CI", "1")
    assert "mode live" in run("-rP").outlines


def test_the_header(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "pytest.ini").write_text("[pytest]\ntapes_auto = true\n", encoding="utf-8")
    (told,) = re.findall(r"`(tapes: mode=.*?)`", TEXT)
    assert told in run("-v", "--record-tapes=new").outlines


def test_use_tape(pytester: pytest.Pytester) -> None:
    path = pytester.path / "script.py"
    path.write_text(block("python", "with use_tape("), encoding="utf-8")
    assert pytester.runpython(path).outlines == ["clean", " record 1"]
    assert pytester.runpython(path).outlines == ["clean", " replay 1"]


def test_the_table_of_settings() -> None:
    assert table_in(TEXT) == settings_table(), "python -m tests.docs.tables writes it anew"


def test_every_block_of_python_is_python() -> None:
    found = blocks("python")
    assert len(found) >= 4
    for text in found:
        compile(textwrap.dedent(text), "documentation", "exec")


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_what_is_linked_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for file, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text):
        linked = page.parent / file if file else page
        assert linked.exists(), file
        if anchor:
            assert anchor in anchors(linked), f"{file}#{anchor}"


def anchors(page: Path) -> list[str]:
    """Of the headings of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles]


def test_every_page_is_linked() -> None:
    readme = pages.README.read_text(encoding="utf-8")
    for page in pages.PAGES[1:]:
        assert f"](docs/{page.name})" in readme, page.name


def test_the_module_that_waits_a_day(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wasmtime")
    monkeypatch.setenv("XDG_CACHE_HOME", str(pytester.path / "cache"))
    (pytester.path / "pytest.ini").write_text(block("ini", "tapes_wasi"), encoding="utf-8")
    (pytester.path / "test_backup.py").write_text(block("python", "# test_backup.py"), encoding="utf-8")
    toolchain.put(pytester.path / "toolchain", "backup", toolchain.TOOLS["late"])
    run().assert_outcomes(passed=1)
    run("--record-tapes").assert_outcomes(passed=1)
    toolchain.put(pytester.path / "toolchain", "backup", toolchain.NO_START)
    told = block("", "WasiError: toolchain/backup.wasm").replace("toolchain/", f"{pytester.path}/toolchain/")
    lines = [line.removeprefix("E").strip() for line in run().outlines]
    for line in told.splitlines():
        assert any(one.endswith(line.strip()) for one in lines), line


def test_a_dialog_on_a_forked_terminal(pytester: pytest.Pytester, run: Run) -> None:
    pytest.importorskip("pexpect")
    pytester.makepyfile(block("python", "import pexpect"))
    for flag in ("--record-tapes", "--replay-tapes"):
        run(flag, "-W", "ignore:.*fork:DeprecationWarning").assert_outcomes(passed=1)
