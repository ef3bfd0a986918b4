"""No secret gets onto the disk, whatever way it comes, and tapes replay without them; tapes_redact."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import string
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.options.project import Project

LETTERS = string.ascii_letters + string.digits
SHAPES = {
    "env": "{20}",
    "odd": '{6} {6}"\\{6}/+&',
    "github": "ghp_{36}",
    "gitlab": "glpat-{20}",
    "aws": "AKIA{U16}",
    "aws_secret": "{40}",
    "slack": "xoxb-{12}-{24}",
    "google": "AIza{35}",
    "jwt": "eyJ{20}.eyJ{30}.{43}",
    "pem": "-----BEGIN RSA PRIVATE KEY-----\n{64}\n{64}\n-----END RSA PRIVATE KEY-----",
    "bearer": "{32}1",
    "userinfo": "{16}",
    "own": "sesame-{16}",
}
FROM_ENVIRONMENT = ("env", "odd")
KINDS = tuple(SHAPES)
ROADS = ("argv", "stdin", "stdout", "stderr", "path", "base64", "json", "percent", "gzip", "kept")

SOURCE = r"""
    import base64, gzip, json, os, pathlib, subprocess, sys, urllib.parse

    import pytest

    pytestmark = pytest.mark.tape
    PLANTED = json.loads(pathlib.Path(os.environ["PLANTED"]).read_text())
    CASES = [tuple(case) for case in PLANTED]
    LABELS = {
        "aws_secret": "aws_secret_access_key = %s\n",
        "bearer": "Authorization: Bearer %s\r\n",
        "userinfo": "https://me:%s@example.com/x.git",
    }
    WRITE = "import os, sys; os.write(int(sys.argv[1]), bytes.fromhex(sys.stdin.read()))"

    def run(*argv, **more):
        return subprocess.run(argv, capture_output=True, **more)

    @pytest.mark.parametrize("number", range(len(CASES)))
    def test_it(number, tmp_path, monkeypatch):
        kind, road, variable, secret = CASES[number]
        if variable:
            secret = os.environ.get(variable, "")
        text = LABELS.get(kind, "%s") % secret
        if road == "argv":
            assert run("echo", "--x=" + text, "-y").returncode == 0
        elif road == "stdin":
            assert run("cat", input=f"one\n{text}\ntwo\n".encode()).stdout.startswith(b"one\n")
        elif road == "stdout":
            assert run("sh", "-c", 'printf "%s" "$WHAT"', env={**os.environ, "WHAT": text}).stdout
        elif road == "stderr":
            command = 'printf "a%sb" "$WHAT" >&2; exit 3'
            assert run("sh", "-c", command, env={**os.environ, "WHAT": text}).stderr
        elif road == "path":
            folder = tmp_path / ("x" + text.replace("/", "_").replace("\n", "_"))
            assert run("echo", str(folder / "file")).stdout
        elif road == "kept":
            assert run("true", env={**os.environ, "KEPT_IT": text}).returncode == 0
        else:
            raw = text.encode()
            written = {
                "base64": lambda: base64.encodebytes(b"key: " + raw),
                "json": lambda: json.dumps({"key": text}).replace("/", "\\/").encode(),
                "percent": lambda: ("q=" + urllib.parse.quote(text, safe="") + "&r").encode(),
                "gzip": lambda: gzip.compress(b"a" + raw + b"b"),
            }[road]()
            # The command that is asked for must not depend on a secret in a way nobody knows of.
            monkeypatch.setenv("WHAT", written.hex())
            code = "import os; os.write(1, bytes.fromhex(os.environ['WHAT']))"
            done = run(sys.executable, "-I", "-S", "-c", code)
            assert done.returncode == 0 and done.stdout

    @pytest.mark.parametrize("name", [case[3] for case in CASES if case[0] == "github"][:1])
    def test_by_its_parameter(name):
        assert run("echo", "x").stdout == b"x\n"
"""


def planted(seed: int) -> list[tuple[str, str, str, str]]:
    """Kind, road, variable and value of each secret; another seed has other values of the same form."""
    chance = random.Random(seed)

    def fill(found: re.Match[str]) -> str:
        letters = string.ascii_uppercase + string.digits if found[1] else LETTERS
        return "".join(chance.choices(letters, k=int(found[2]) - 1)) + "7"

    cases = []
    pairs = [(kind, road) for kind in SHAPES for road in ROADS if (kind, road) not in SENSELESS]
    # Each kind goes by half of the roads, and each road is gone by half of the kinds.
    roads = [pair for pair in pairs if (KINDS.index(pair[0]) + ROADS.index(pair[1])) % 2 == 0]
    for number, (kind, road) in enumerate(roads):
        value = re.sub(r"\{(U?)(\d+)\}", fill, SHAPES[kind])
        cases.append((kind, road, f"S{number}_TOKEN" if kind in FROM_ENVIRONMENT else "", value))
    return cases


SENSELESS = {
    # What has to be written in another way as part of a file's name, nobody takes for a secret.
    (kind, "path")
    for kind in ("aws_secret", "bearer", "userinfo", "pem", "odd")
}


def everything_in(folder: Path) -> Iterator[bytes]:
    """Every byte below ``folder``, file names too, and what can be decoded and unpacked from them."""
    for path in folder.rglob("*"):
        yield os.fsencode(path.name)
        if path.is_file():
            yield from _decoded(path.read_bytes())


def _decoded(data: bytes, depth: int = 3) -> Iterator[bytes]:
    yield data
    if depth == 0:
        return
    if data.startswith(b"\x1f\x8b"):
        yield from _decoded(zlib.decompressobj(wbits=31).decompress(data), depth - 1)
    try:
        yield from (text.encode("utf-8", "surrogatepass") for text in _strings(json.loads(data)))
    except ValueError:
        pass
    joined = re.sub(rb'"?,?\s+"?|\\n', b"", data)
    for text in (data, joined):
        for run in re.findall(rb"[A-Za-z0-9+/_-]{12,}", text):
            digits = run.replace(b"-", b"+").replace(b"_", b"/")
            for offset in range(4):
                cut = digits[offset : offset + (len(digits) - offset) // 4 * 4]
                yield from _decoded(base64.b64decode(cut), depth - 1 if cut.startswith(b"H4sI") else 0)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _strings(one)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            yield "".join(value)


def cores(value: str) -> list[bytes]:
    """What gives a secret away: the parts of it that nobody could guess, in each writing."""
    return [part.encode() for part in re.findall(r"[A-Za-z0-9_-]{6,}", value) if part not in WORDS]


WORDS = {"-----BEGIN", "PRIVATE", "KEY-----", "-----END"}


def test_forty_secrets_and_more_are_nowhere_below_tapes(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.ini("tapes_env = KEPT_*", r"tapes_redact = sesame-\w+")
    project.write(SOURCE)
    (tmp_path / "planted").mkdir()
    cases = planted(1)
    assert len(cases) >= 40
    for seed in (1, 2):
        (tmp_path / "planted" / f"{seed}.json").write_text(json.dumps(planted(seed)))
    monkeypatch.setenv("PLANTED", str(tmp_path / "planted" / "1.json"))
    for _, _, variable, value in cases:
        if variable:
            monkeypatch.setenv(variable, value)
    project.record()
    found = list(everything_in(project.path / "tapes"))
    for kind, road, _, value in cases:
        for core in cores(value):
            assert not any(core in data for data in found), (kind, road, core)
    project.replay()
    for _, _, variable, _ in cases:
        if variable:
            monkeypatch.delenv(variable)
    project.replay()
    monkeypatch.setenv("PLANTED", str(tmp_path / "planted" / "2.json"))
    project.replay()


def test_the_attempt_of_a_test_that_failed_has_none_either(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "tok-1234567890")
    project.write(
        """
        import os, subprocess

        def test_it(tape):
            subprocess.run(["echo", os.environ["MY_TOKEN"]], capture_output=True)
            assert False
        """
    )
    project.record(failed=1)
    (kept,) = project.tapes()
    assert kept.endswith(".failed")
    text = (project.path / "tapes" / kept).read_text()
    assert "tok-1234567890" not in text
    assert "<redacted:MY_TOKEN>" in text


def test_the_report_of_a_divergence_has_none(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(
        """
        import subprocess

        def test_it(tape, monkeypatch):
            monkeypatch.setenv("MY_TOKEN", "tok-" + "1234567890")
            subprocess.run(["echo", "tok-" + "1234567890", "one"], capture_output=True)
        """
    )
    project.record()
    project.edit('"one"', '"two"')
    result = project.replay("--tb=short", failed=1)
    told = result.stdout.str()
    assert "echo '<redacted:MY_TOKEN>' two" in told
    assert "tok-1234567890" not in told


def test_another_argument_than_the_secret_still_diverges(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "tok-1234567890")
    project.write(
        """
        import os, subprocess

        def test_it(tape):
            token = os.environ.get("MY_TOKEN", "")
            subprocess.run(["curl", "-H", "X-Token: " + token, "https://host"], check=False)
        """.replace("curl", "echo")
    )
    project.record()
    monkeypatch.delenv("MY_TOKEN")
    project.replay()
    project.edit("X-Token", "X-Other")
    project.replay(failed=1)


def test_a_large_stream_with_a_secret_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "tok-1234567890")
    monkeypatch.setattr("pytest_proctape.session.crossing.SCAN_LIMIT", 1 << 16)
    monkeypatch.setattr("pytest_proctape.session.record.SCAN_LIMIT", 1 << 16)
    project.write(
        """
        import subprocess, sys

        def test_clean(tape):
            code = "print('x' * 200000)"
            assert len(subprocess.run([sys.executable, "-c", code], capture_output=True).stdout) == 200001

        def test_it(tape):
            code = "import os; print('x' * 200000, os.environ['MY_TOKEN'])"
            assert len(subprocess.run([sys.executable, "-c", code], capture_output=True).stdout) > 200000
        """
    )
    result = project.run("--record-tapes")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["*UnredactableOutput: *what looks like a secret*", "*tapes_keep_unscanned = true*"]
    )
    assert not any(b"tok-1234567890" in data for data in everything_in(project.path / "tapes"))
    assert [name for name in project.tapes() if name.endswith(".json")] == ["test_it/test_clean.json"]
    project.replay("-k", "clean")
    project.ini("tapes_keep_unscanned = true")
    project.record()
    project.replay()


def test_a_pattern_that_is_wrong_is_told_at_the_start(project: Project) -> None:
    project.ini("tapes_redact = (")
    project.write("def test_it(): pass")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*tapes_redact in *pytest.ini: '(' is no regular expression*"])
