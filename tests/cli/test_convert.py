"""What other tools have becomes tapes, and what can't be known without running it is told."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from pytest_proctape.tape import Entry, Event, Payload, Tape, TapeStore, dumps, loads
from tests.cli.conftest import ONE, RECORDED, Project, Result

CASSETTE = "tests/_vcr_cassettes/test_git.test_log.yaml"


def cassette(project: Project, text: str) -> str:
    project.write(CASSETTE, textwrap.dedent(text))
    return CASSETTE


def converted(project: Project, *sources: str, test: str = ONE) -> tuple[Entry, ...]:
    """The entries of the one tape that comes out."""
    result = project.run("convert", *sources)
    assert (result.code, result.err) == (0, "")
    tape = project.store.load(test)
    assert tape is not None
    assert tape.test == test
    return tape.entries


def problems(result: Result) -> list[tuple[int, str]]:
    assert result.code == 1
    return [(one["line"], one["problem"]) for one in result.json["problems"]]


# Bare lists


def test_a_bare_list_becomes_a_full_tape(project: Project) -> None:
    project.write("old.json", '[{"program": "git", "args": ["log"], "cwd": null, "stdout": "x\\n"}]')
    assert project.run("convert", "old.json").code == 2
    result = project.run("convert", "old.json", "--test", ONE)
    assert result.code == 0
    assert result.lines == ["wrote tapes/tests/test_git/test_log.json  1 entry", "1 tape written"]
    entries = (Entry(program="git", args=("log",), stdout="x\n"),)
    assert project.store.load(ONE) == Tape(test=ONE, entries=entries)


def test_a_tape_keeps_its_header(project: Project) -> None:
    tape = Tape(version=1, test=ONE, recorded=RECORDED, entries=(Entry(program="git"),))
    project.path.joinpath("old.json").write_bytes(dumps(tape))
    assert converted(project, "old.json") == tape.entries
    kept = project.store.load(ONE)
    assert kept is not None
    assert (kept.version, kept.recorded) == (2, RECORDED)


def test_a_tape_that_is_there_is_kept_unless_forced(project: Project) -> None:
    project.save(Entry(program="there"))
    project.write("old.json", '[{"program": "git"}]')
    result = project.run("convert", "--json", "old.json", "--test", ONE)
    assert problems(result) == [
        (0, "tapes/tests/test_git/test_log.json is there already; replace it with --force")
    ]
    assert [entry.program for entry in project.store.load(ONE).entries] == ["there"]  # type: ignore[union-attr]
    assert project.run("convert", "--force", "old.json", "--test", ONE).code == 0
    assert [entry.program for entry in project.store.load(ONE).entries] == ["git"]  # type: ignore[union-attr]


def test_payloads_come_along(project: Project, tmp_path: Path) -> None:
    there = TapeStore(tmp_path / "there")
    data = b"x" * 100_000
    entry = Entry(program="a", timeline=(Event(stdout=there.encode(data)), Event(stdout=("short\n",))))
    path = there.save(ONE, Tape(test=ONE, entries=(entry, Entry(program="b", fds={3: there.encode(data)}))))
    first, second = converted(project, str(path))
    assert first == entry
    assert project.store.decode(second.fds[3]).bytes() == data  # type: ignore[index]
    next(there.payloads.iterdir()).unlink()
    result = project.run("convert", "--force", str(path))
    assert result.code == 1
    assert "the payload can't be read" in result.err


def test_a_large_dialog_comes_along(project: Project, tmp_path: Path) -> None:
    there = TapeStore(tmp_path / "there")
    entry = Entry(program="a", timeline=tuple(Event(stdout=(f"{number}\n",) * 100) for number in range(500)))
    path = there.save(ONE, Tape(test=ONE, entries=(entry,)))
    assert there.load_file(path).entries[0].streams
    converted(project, str(path))
    tape = project.store.load(ONE)
    assert tape is not None
    assert tape.entries == (entry,)


def test_what_is_not_written_leaves_no_payload(project: Project) -> None:
    project.save(Entry(program="there"))
    project.write("old.json", '[{"program": "git", "stdout": "%s"}]' % ("x" * 100_000))
    assert project.run("convert", "old.json", "--test", ONE).code == 1
    assert not project.store.payloads.exists()
    assert project.run("convert", "-f", "old.json", "--test", ONE).code == 2
    assert project.run("convert", "--force", "old.json", "--test", ONE).code == 0
    assert len(list(project.store.payloads.iterdir())) == 1


def test_a_dry_run_writes_nothing(project: Project) -> None:
    project.write("old.json", '[{"program": "git", "stdout": "%s"}]' % ("x" * 100_000))
    result = project.run("convert", "-n", "old.json", "--test", ONE)
    assert result.code == 0
    assert result.lines[0].startswith("would write tapes/tests/test_git/test_log.json")
    assert not project.store.root.exists()


def test_another_directory(project: Project, tmp_path: Path) -> None:
    project.write("old.json", '[{"program": "git"}]')
    assert project.run("convert", "old.json", "--test", ONE, "--to", str(tmp_path / "there")).code == 0
    assert tmp_path.joinpath("there/tests/test_git/test_log.json").exists()


def test_the_others_are_converted_beside_one_that_is_broken(project: Project) -> None:
    project.write("bad.json", "[")
    project.path.joinpath("good.json").write_bytes(dumps(Tape(test=ONE)))
    result = project.run("convert", "bad.json", "good.json")
    assert result.code == 1
    assert "bad.json: the file is truncated" in result.err
    assert result.lines[-1] == "1 tape written"


def test_other_kinds_of_files(project: Project) -> None:
    project.write("x.txt", "")
    assert "only .yaml, .py and .json" in project.run("convert", "x.txt").err
    assert "no.py: there is no such file" in project.run("convert", "no.py").err


# Cassettes of subprocess-vcr. The texts are what version 0.1.0 writes.

RECORDED_CASSETTE = """\
    version: 1
    interactions:
    - args:
      - git
      - log
      - --oneline
      kwargs:
        stdout: PIPE
        stderr: PIPE
        text: true
        cwd: /src/project
        env:
          HOME: /home/somebody
          TOKEN: secret
      duration: 0.0035
      returncode: 0
      stdout: |
        1f2e3d4 first
        5a6b7c8 second
      stderr: ''
    - args: echo out; echo err >&2; exit 3
      kwargs:
        shell: true
        stdout: PIPE
        stderr: -2
      duration: 1
      returncode: 3
      stdout: |
        out
        err
      stderr: null
    - args:
      - tool
      kwargs: {}
      duration: 0.5
      returncode: -9
      stdout: null
      stderr:
        _binary: true
        data: iVBORw==
    metadata:
      test_name: test_log[a.b]
      recorded_at: '2025-08-17T21:43:00+00:00'
      cassette_count: 3
"""


def test_a_cassette(project: Project) -> None:
    pytest.importorskip("yaml")
    source = cassette(project, RECORDED_CASSETTE)
    first, second, third = converted(project, source, test="tests/test_git.py::test_log[a.b]")
    assert first == Entry(
        program="git",
        args=("log", "--oneline"),
        cwd="/src/project",
        stdout=("1f2e3d4 first\n", "5a6b7c8 second\n"),
        exit_code=0,
        duration_ms=3.5,
    )
    assert (second.program, second.args) == ("/bin/sh", ("-c", "echo out; echo err >&2; exit 3"))
    assert (second.stdout, second.stderr, second.stderr_to_stdout) == (("out\n", "err\n"), "", True)
    assert (second.exit_code, second.duration_ms) == (3, 1000)
    assert (third.stdout, third.signal) == (None, "SIGKILL")
    assert project.store.decode(third.stderr).bytes() == b"\x89PNG"  # type: ignore[arg-type]
    written = next(project.store.root.rglob("*.json")).read_text(encoding="utf-8")
    assert "secret" not in written


def test_environments_that_are_left_out_are_told(project: Project) -> None:
    pytest.importorskip("yaml")
    assert "environments were left out" in project.run("convert", cassette(project, RECORDED_CASSETTE)).out


def test_large_output_of_a_cassette_is_a_payload(project: Project) -> None:
    pytest.importorskip("yaml")
    lines = "        line\n" * 20_000
    source = cassette(
        project, f"interactions:\n- args: [a]\n  returncode: 0\n  stdout: |\n{lines}  stderr: null\n"
    )
    (entry,) = converted(project, source)
    assert isinstance(entry.stdout, Payload)
    assert project.store.decode(entry.stdout).bytes() == b"line\n" * 20_000


def test_interactions_that_no_tape_can_say(project: Project) -> None:
    pytest.importorskip("yaml")
    source = cassette(
        project,
        """\
        interactions:
        - {args: [a], returncode: null, stdout: '', stderr: ''}
        - {args: [a], returncode: 300}
        - {args: {}, returncode: 0}
        - {args: [a], returncode: 0, stdout: 5}
        - {args: [a], returncode: 0, stdout: {_binary: true, data: '%'}}
        - 5
        - {args: [a], returncode: 0, kwargs: text}
        - {args: [good], returncode: 0}
        """,
    )
    result = project.run("convert", "--json", source)
    assert [problem.partition(":")[0] for _, problem in problems(result)] == [
        f"interactions[{index}]" for index in range(7)
    ]
    assert result.json["tapes"][0]["entries"] == 1


@pytest.mark.parametrize(
    "text, told",
    [
        ("interactions: !!python/object/apply:os.system ['touch hacked']", "not YAML: could not determine"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "an alias"),
        ("[" * 100, "nested too deep"),
        ("x: [", "not YAML"),
        ("- 5", "no interactions"),
        ("", "no interactions"),
        ("interactions: {}", "no interactions"),
        ("\0", "not YAML"),
    ],
)
def test_what_is_no_cassette(project: Project, text: str, told: str) -> None:
    pytest.importorskip("yaml")
    result = project.run("convert", cassette(project, text))
    assert result.code == 1
    assert told in result.err
    assert "Traceback" not in result.err
    assert not project.path.joinpath("hacked").exists()
    assert not project.store.root.exists()


def test_a_source_that_is_too_large(project: Project) -> None:
    path = project.path / "large.yaml"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)
    result = project.run("convert", "large.yaml")
    assert result.code == 1
    assert "too large to convert" in result.err


def test_without_pyyaml(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    result = project.run("convert", cassette(project, "interactions: []"))
    assert result.code == 2
    assert "pip install 'pytest-proctape[yaml]'" in result.err


# Registrations of pytest-subprocess


def module(project: Project, text: str) -> str:
    project.write("tests/test_git.py", textwrap.dedent(text))
    return "tests/test_git.py"


def test_registrations(project: Project) -> None:
    source = module(
        project,
        """\
        import subprocess

        LOG = ["git", "log"]
        FIRST = "1f2e3d4 " + "first"


        def test_log(fp):
            fp.register(LOG + ["--oneline"], stdout=[FIRST, b"second"], returncode=0)
            fp.register("git commit -m 'two words'", "out", stderr=b"\\xff", returncode=128)
            command: list = ("tool", "-x")
            fp.register_subprocess(command, wait=0.5, returncode=-15, occurrences=2, callback=None)
            assert subprocess.run(LOG).returncode == 0
        """,
    )
    first, second, third, fourth = converted(project, source)
    assert first == Entry(
        program="git",
        args=("log", "--oneline"),
        stdout=("1f2e3d4 first\n", "second\n"),
        stderr="",
        exit_code=0,
        duration_ms=0.0,
    )
    assert (second.program, second.args) == ("git", ("commit", "-m", "two words"))
    assert (second.stdout, second.exit_code) == (("out",), 128)
    assert project.store.decode(second.stderr).bytes() == b"\xff"  # type: ignore[arg-type]
    assert third == fourth
    assert (third.program, third.signal, third.duration_ms) == ("tool", "SIGTERM", 500)


def test_every_way_to_have_the_fixture(project: Project) -> None:
    source = module(
        project,
        """\
        from pytest_subprocess import FakeProcess

        class TestGit:
            class TestInner:
                async def test_one(self, fake_process):
                    fake_process.register(["a"])

            def test_two(self, faked: FakeProcess):
                faked.register(["b"])
                with faked.context() as nested:
                    nested.register(["c"])

        def test_three():
            with FakeProcess() as process, FakeProcess.context() as other:
                process.register(["d"])
                other.register(["e"])

        def test_nothing(fp, registry):
            registry.register(["x"])
        """,
    )
    result = project.run("convert", "--json", source)
    assert result.code == 0
    told = {one["test"]: one["entries"] for one in result.json["tapes"]}
    assert told == {
        "tests/test_git.py::TestGit::TestInner::test_one": 1,
        "tests/test_git.py::TestGit::test_two": 2,
        "tests/test_git.py::test_three": 2,
    }


def test_what_cannot_be_known_is_told_with_its_line(project: Project) -> None:
    source = module(
        project,
        """\
        import pytest

        ONCE = "a"
        TWICE = "a"
        TWICE = "b"

        def helper(fp):
            fp.register(["helper"])

        @pytest.mark.parametrize("x", [1, 2])
        def test_parametrized(fp, x):
            fp.register(["a"])

        def test_log(fp, ONCE):
            fp.register([ONCE])
            fp.register([TWICE])
            fp.register(["a", fp.any()])
            fp.register([f"a{ONCE}"])
            fp.register(["a"], callback=lambda process: None)
            fp.register(["a"], stdin_callable=print)
            fp.register(["a"], returncode=300)
            fp.register(["a"], occurrences=10**9)
            fp.register([])
            fp.register(*["a"])
            fp.register(["a"], **{})
            fp.register(["a"], nonsense=1)
            fp.register(["a"], stdout=5)
            fp.register("a 'b")
            for _ in range(3):
                fp.register(["a"])
            if ONCE:
                fp.register(["a"])
            def inner():
                fp.register(["a"])
            fp.pass_command(["ls"])
            fp.keep_last_process(True)
            grown = ["a"]
            grown.append("b")
            fp.register(grown)
            fp.register(["good"])
        """,
    )
    result = project.run("convert", "--json", source)
    told = problems(result)
    assert [line for line, _ in told] == [8, 11, *range(15, 29), 30, 32, 34, 35, 36, 39]
    assert "fp.any()" in dict(told)[17]
    assert "tapes_live" in dict(told)[35]
    assert [(one["test"], one["entries"]) for one in result.json["tapes"]] == [(ONE, 1)]


def test_the_source_is_never_run(project: Project) -> None:
    source = module(
        project,
        """\
        open("hacked", "w").close()

        def test_log(fp):
            fp.register(["a", __import__("os").system("touch hacked")])
            fp.register(["good"])
        """,
    )
    assert project.run("convert", source).code == 1
    assert not project.path.joinpath("hacked").exists()


@pytest.mark.parametrize(
    "text", ["def test_log(fp):", "\0", "x = " + "(" * 5000, "x = " + "-" * 100_000 + "1"]
)
def test_what_is_no_python(project: Project, text: str) -> None:
    result = project.run("convert", module(project, text))
    assert result.code == 1
    assert "test_git.py: not Python: " in result.err
    assert "Traceback" not in result.err


def test_a_large_output_of_a_registration_is_a_payload(project: Project) -> None:
    source = module(project, f'def test_log(fp):\n    fp.register(["a"], stdout="{"x" * 100_000}")\n')
    (entry,) = converted(project, source)
    assert isinstance(entry.stdout, Payload)
    assert loads(project.store.path_for(ONE).read_bytes(), Path("x")).entries == (entry,)
