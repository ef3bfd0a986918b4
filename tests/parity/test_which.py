"""``shutil.which``: it says on replay what it said in the recording, wherever it is asked to look."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.parity.harness import Parity

Find = Callable[[Path], object]


def _tool(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    "find",
    [
        pytest.param(lambda _: shutil.which("sh"), id="there"),
        pytest.param(lambda _: shutil.which("no-such-tool"), id="not there"),
        pytest.param(lambda _: shutil.which(b"sh"), id="bytes"),
        pytest.param(lambda _: shutil.which(Path("sh")), id="a path"),
        pytest.param(lambda _: shutil.which("/bin/sh"), id="where it is"),
        pytest.param(lambda _: shutil.which("sh", os.F_OK), id="another mode"),
        pytest.param(lambda _: shutil.which("sh", path=os.environ["PATH"]), id="the same directories"),
        pytest.param(lambda _: shutil.which("sh", path=""), id="no directories"),
        pytest.param(lambda folder: shutil.which("sh", path=str(folder)), id="another directory"),
        pytest.param(lambda folder: shutil.which("own", path=str(folder / "bin")), id="one of its own"),
        pytest.param(lambda _: shutil.which(""), id="no name"),
    ],
)
def test_where_a_tool_is(parity: Parity, find: Find) -> None:
    def body(folder: Path) -> object:
        _tool(folder / "bin", "own")
        return find(folder)

    parity(body)


@pytest.mark.parametrize("wrong", [None, 3, ["sh"]])
def test_what_is_no_name(parity: Parity, wrong: object) -> None:
    def body(_: Path) -> str:
        with pytest.raises((TypeError, AttributeError)) as caught:
            shutil.which(wrong)  # type: ignore[call-overload]
        return repr(caught.value)

    parity(body)


def test_what_is_put_before_and_behind(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.environ["PATH"]

    def body(folder: Path) -> list[str | None]:
        _tool(folder / "before", "sh")
        _tool(folder / "behind", "sh")
        _tool(folder / "behind", "own")
        monkeypatch.setenv("PATH", os.pathsep.join([str(folder / "before"), path, str(folder / "behind")]))
        found = [shutil.which("sh"), shutil.which("own"), shutil.which("no-such-tool")]
        monkeypatch.setenv("PATH", path)
        (folder / "before" / "sh").unlink()
        return [*found, shutil.which("sh")]

    parity(body)


def test_without_a_path(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH")
    parity(lambda _: shutil.which("sh"))
