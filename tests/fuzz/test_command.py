"""Damaged tapes and logs in the hands of the command: told in words, never a traceback."""

from __future__ import annotations

import random
from itertools import chain, islice
from pathlib import Path

import pytest

from pytest_proctape.cli import main
from tests.fuzz.mutate import damaged
from tests.fuzz.test_loader import INPUTS, SEED, seeds

SOME = INPUTS // 25


@pytest.fixture
def tapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    folder = tmp_path / "tapes"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["show", "tapes/x.json"],
        ["show", "--json", "tapes/x.json"],
        ["check"],
        ["ls"],
        ["diff", "--full", "tapes/good.json", "tapes/x.json"],
        ["prune"],
        ["convert", "tapes/x.json", "--test", "t.py::t", "--to", "converted", "--force"],
        ["compare", "tapes/x.json", "log"],
    ],
    ids=lambda command: command[0],
)
def test_no_tape_breaks_the_command(
    tapes: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED + 2)
    good = seeds()
    tapes.joinpath("good.json").write_bytes(good[3])
    tapes.parent.joinpath("log").write_bytes(b'{"seq": 0}\n')
    codes: dict[int, int] = {}
    for index, data in enumerate(islice(damaged(good, chance), SOME)):
        tapes.joinpath("x.json").write_bytes(data)
        try:
            code = main(command)
        except Exception as error:
            raise AssertionError(f"seed {SEED + 2}, input {index}: {data[:4000]!r}") from error
        out, err = capsys.readouterr()
        assert not set(out + err) & {"\x1b", "\x07", "\x9b", "\0"}
        codes[code] = codes.get(code, 0) + 1
    assert set(codes) <= {0, 1, 2}
    assert codes.get(1, 0) + codes.get(2, 0) > SOME // 2


CASSETTE = b"""\
version: 1
interactions:
- args: [git, log]
  kwargs: {stdout: PIPE, stderr: -2, cwd: /src, env: {A: b}}
  duration: 0.0035
  returncode: 0
  stdout: |
    line
  stderr: {_binary: true, data: iVBORw==}
- args: 'ls | wc'
  returncode: -9
metadata:
  test_name: test_log[a]
"""
MODULE = b"""\
from pytest_subprocess import FakeProcess
LOG = ["git", "log"]

class TestGit:
    async def test_one(self, fp: FakeProcess, x="y"):
        fp.register(LOG + ["-1"], stdout=["a", b"b"], stderr="c", returncode=-9, occurrences=2, wait=0.5)
        with fp.context() as nested:
            nested.register("git 'x y'", stdout=f"{x}")
        if x:
            fp.register(["a", fp.any()], callback=lambda process: None)
"""


@pytest.mark.parametrize("name, seed", [("x.yaml", CASSETTE), ("x.py", MODULE)], ids=["yaml", "python"])
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_no_source_breaks_convert(
    tapes: Path, name: str, seed: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "x.yaml":
        pytest.importorskip("yaml")
    chance = random.Random(SEED + 3)
    written = 0
    odd = [
        b"!!int ''",
        b"!!bool x",
        b"!!timestamp x",
        b"!!binary %",
        b"!!float ''",
        b"? [a]",
        b"1_:_",
        b"<<: x",
    ]
    more = [seed.replace(value, other) for value in (b"0", b"git", b"line", b"PIPE") for other in odd]
    for index, data in enumerate(islice(chain(more, damaged([seed], chance)), 4 * SOME)):
        tapes.parent.joinpath(name).write_bytes(data)
        try:
            code = main(["convert", name, "--to", "converted", "--force"])
        except Exception as error:
            raise AssertionError(f"seed {SEED + 3}, input {index}: {data[:4000]!r}") from error
        out, err = capsys.readouterr()
        assert code in {0, 1, 2}
        assert not set(out + err) & {"\x1b", "\x07", "\x9b", "\0"}
        written += "tape written" in out
    assert written > SOME // 4
