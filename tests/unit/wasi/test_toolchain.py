"""Modules are found by name, checked, and compiled once for many runs of pytest."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

pytest.importorskip("wasmtime")

from pytest_proctape.wasi import Toolchain, cache
from tests import toolchain


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


def kept(home: Path) -> list[Path]:
    return sorted(home.glob("pytest-proctape/wasi/*"))


class Compiler:
    """Counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, data: bytes) -> bytes:
        self.calls += 1
        return b"code of " + data


@pytest.mark.parametrize("name", ["hello", "./hello", "/usr/bin/hello", "../hello", "sub/hello"])
def test_a_module_is_found_by_the_last_part_of_a_name(tmp_path: Path, name: str) -> None:
    path = toolchain.put(tmp_path / "tools", "hello")
    tools = Toolchain(tmp_path / "tools")
    assert tools.path_of(name) == path
    tool = tools.load(path)
    assert tool.digest == hashlib.sha256(path.read_bytes()).digest()
    assert tools.load(path) is tool


@pytest.mark.parametrize("name", ["", "/", "..", ".", "hello/", "hello.wasm", "hell", "hello\0"])
def test_what_is_no_name_of_a_module(tmp_path: Path, name: str) -> None:
    toolchain.put(tmp_path / "tools", "hello")
    assert Toolchain(tmp_path / "tools").path_of(name) is None


def test_what_was_compiled_is_kept(cache_home: Path) -> None:
    compiler = Compiler()
    assert cache.cached(b"one", compiler) == b"code of one"
    assert cache.cached(b"one", compiler) == b"code of one"
    assert cache.cached(b"other", compiler) == b"code of other"
    assert compiler.calls == 2
    assert len(kept(cache_home)) == 2
    assert {path.stat().st_mode & 0o777 for path in kept(cache_home)} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (cache_home / "pytest-proctape").iterdir()} == {0o700}


@pytest.mark.parametrize("wrong", ["cut short", "changed", "empty", "writable by others", "a link"])
def test_what_is_not_as_it_was_kept_is_compiled_again(cache_home: Path, wrong: str, tmp_path: Path) -> None:
    compiler = Compiler()
    cache.cached(b"one", compiler)
    (path,) = kept(cache_home)
    data = path.read_bytes()
    if wrong == "cut short":
        path.write_bytes(data[:-1])
    elif wrong == "changed":
        path.write_bytes(b"x" + data[1:])
    elif wrong == "empty":
        path.write_bytes(b"")
    elif wrong == "writable by others":
        path.chmod(0o666)
    else:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    assert cache.cached(b"one", compiler) == b"code of one"
    assert compiler.calls == 2
    assert path.read_bytes() == data
    assert not path.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("which", ["pytest-proctape", "pytest-proctape/wasi"])
def test_nothing_is_taken_from_a_directory_that_others_can_write_to(cache_home: Path, which: str) -> None:
    compiler = Compiler()
    cache.cached(b"one", compiler)
    (cache_home / which).chmod(0o777)
    assert cache.cached(b"one", compiler) == b"code of one"
    assert compiler.calls == 2


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_home_nothing_is_kept(home: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    compiler = Compiler()
    assert [cache.cached(b"one", compiler) for _ in range(2)] == [b"code of one"] * 2
    assert compiler.calls == 2
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_kept_it_is_compiled_each_time(cache_home: Path) -> None:
    cache_home.write_text("not a directory")
    compiler = Compiler()
    assert [cache.cached(b"one", compiler) for _ in range(2)] == [b"code of one"] * 2
    assert compiler.calls == 2


def test_code_that_wasmtime_does_not_take_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "cached", lambda data, compiled: b"of another version")
    path = toolchain.put(tmp_path / "tools", "hello", toolchain.TOOLS["hello"] + ";; another")
    tool = Toolchain(tmp_path / "tools").load(path)
    assert tool.code != b"of another version"
