from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_proctape.tape import Base64, Entry, Event, Tape, dumps, encode
from pytest_proctape.tape.names import SHARED
from tests.cli.conftest import ONE, Project, Result

ROOT = Path(__file__).parents[2]
TOKEN = "ghp_" + "a1B2" * 9
"""Of the shape of a GitHub token, put together so that no scanner takes this file for a leak."""


def kinds(result: Result) -> list[str]:
    return [one["kind"] for one in result.json["findings"]]


def checked(project: Project, *arguments: str) -> list[str]:
    """The kinds of all findings; the exit code says whether there are any."""
    result = project.run("check", "--json", *arguments)
    assert result.err == ""
    assert result.code == (1 if kinds(result) else 0)
    return kinds(result)


WHERE = ["args", "cwd", "stdout", "base64", "payload", "timeline", "env", "env-name"]


def planted(project: Project, text: str, where: str) -> list[str]:
    """The kinds of what is found where ``text`` stands somewhere on a tape."""
    fields: dict[str, Any] = {}
    match where:
        case "args":
            fields["args"] = ("-H", f"x {text}")
        case "cwd":
            fields["cwd"] = text
        case "stdout":
            fields["stdout"] = ("first\n", f"{text}\n")
        case "base64":
            fields["stdout"] = encode(b"\xff " + text.encode())
        case "payload":
            # Across the seam of two chunks.
            fields["stdout"] = project.store.encode(b" " * ((1 << 20) - 5) + text.encode())
        case "timeline":
            fields["timeline"] = (Event(stdin=(f"{text}\n",)),)
        case "env":
            fields["env"] = {"X": text}
        case "env-name":
            fields["env"] = {text: None}
    project.save(Entry(program="git", **fields))
    return checked(project)


def test_nothing_wrong(project: Project) -> None:
    project.save(
        Entry(
            program="<python>",
            args=("-m", "x", "<tmp>/y", "a<b>c", "<html>-like"),
            cwd="<cwd>",
            stdout=project.store.encode(b"<html><body>" * 10_000),
        )
    )
    result = project.run("check")
    assert (result.code, result.out) == (0, "1 tape checked, nothing found\n")


def test_the_committed_tapes_of_this_project(project: Project) -> None:
    assert checked(project, str(ROOT / "tapes")) == []


def test_the_tape_of_a_test_whose_file_is_gone(project: Project) -> None:
    path = project.save(Entry(program="git"))
    assert checked(project) == []
    (project.path / ONE.partition("::")[0]).unlink()
    (finding,) = project.run("check", "--json").json["findings"]
    assert (finding["kind"], finding["place"]) == ("orphan", "test")
    assert finding["path"] == str(path.relative_to(project.path))
    assert finding["problem"] == "there is no tests/test_git.py"


def test_tapes_of_no_single_file_are_nobodys_orphans(project: Project) -> None:
    for owner in SHARED:
        project.save(Entry(program="git"), test=owner)
        (project.path / owner).unlink()
    assert checked(project) == []


def test_what_is_no_tape(project: Project) -> None:
    project.write("tapes/one.json", '{"entries": [{"program": "a", "exit_code": 256}]}')
    project.write("tapes/two.json", '{"version": 99}')
    project.save(Entry(program="git"))
    result = project.run("check", "--json")
    assert [(one["path"], one["place"]) for one in result.json["findings"]] == [
        ("tapes/one.json", "entries[0].exit_code"),
        ("tapes/two.json", "version"),
    ]
    assert "255 or less" in result.json["findings"][0]["problem"]
    assert result.json["checked"] == 3


def test_a_payload_that_is_missing(project: Project) -> None:
    project.save(Entry(program="git", stdout=project.store.encode(b"x" * 100_000)))
    next(project.store.payloads.iterdir()).unlink()
    assert checked(project) == ["payload"]


@pytest.mark.parametrize("data", [b"y" * 100_000, b"x" * 99_999, b""])
def test_a_payload_that_is_not_what_it_was(project: Project, data: bytes) -> None:
    project.save(Entry(program="git", timeline=(Event(stdout=project.store.encode(b"x" * 100_000)),)))
    next(project.store.payloads.iterdir()).write_bytes(data)
    assert checked(project) == ["payload"]


def test_a_payload_that_nobody_uses(project: Project) -> None:
    used = project.store.encode(b"x" * 100_000)
    path = project.save(Entry(program="git", stdout=used))
    assert checked(project) == []
    unused = project.store.add_payload(b"y")
    result = project.run("check")
    assert result.code == 1
    assert result.lines[0] == f"tapes/_payloads/{unused.sha256}: unused: no tape uses this payload"
    assert result.lines[1].strip() == "run proctape prune"
    # A part of the tapes can't tell, and a broken tape could be the one.
    assert checked(project, str(path)) == []
    assert checked(project, "tapes/tests") == []
    project.write("tapes/broken.json", "[")
    assert checked(project) == ["unreadable"]


def test_what_has_no_business_there(project: Project) -> None:
    project.save(Entry(program="git"))
    project.write("tapes/notes.txt", "")
    project.path.joinpath("tapes/link.json").symlink_to("/etc/hosts")
    assert checked(project) == ["stranger", "stranger"]


def test_a_tape_where_its_test_does_not_look(project: Project) -> None:
    path = project.save(Entry(program="git"))
    path.rename(path.with_name("other.json"))
    result = project.run("check")
    assert result.code == 1
    assert f"misplaced: the tape of {ONE} is looked for at tests/test_git/test_log.json" in result.lines[0]


def test_names_that_are_hashed_belong_to_their_test(project: Project) -> None:
    for test in ("tests/test_a.py::test_x", "tests/test_a.py::test_X", "tests/test_a.py::test_x[a/b:c]"):
        project.save(Entry(program="git"), test=test)
    assert checked(project) == []


def test_two_tapes_of_one_test(project: Project) -> None:
    path = project.save(Entry(program="git"))
    path.with_name("other.json").write_bytes(path.read_bytes())
    assert sorted(checked(project)) == ["duplicate", "misplaced"]


@pytest.mark.parametrize("word", ["<tpm>/x", "<virtualenv>", "<root-dir>/bin/tool"])
def test_an_unknown_placeholder(project: Project, word: str) -> None:
    project.save(Entry(program=word, args=("-x", word), cwd=word))
    result = project.run("check", "--json")
    assert kinds(result) == ["placeholder"] * 3
    assert [one["place"] for one in result.json["findings"]] == [
        "entries[0].program",
        "entries[0].args[1]",
        "entries[0].cwd",
    ]
    assert "<tmp>" in result.json["findings"][0]["next_step"]


@pytest.mark.parametrize(
    "name, text",
    [
        ("pytest.ini", "[pytest]\ntapes_places =\n    sdk = /opt/sdk\n    port = /[0-9]{5}/\n"),
        ("pytest.toml", '[pytest]\ntapes_places = ["sdk = /opt/sdk", "port = /[0-9]{5}/"]\n'),
    ],
)
def test_placeholders_of_the_user_are_known(project: Project, name: str, text: str) -> None:
    project.save(Entry(program="<sdk>/bin/cc", args=("<port:1>", "<home:url>/x", "<redacted:TOKEN>")))
    assert checked(project) == ["placeholder"] * 2
    project.write(name, text)
    assert checked(project) == []


@pytest.mark.parametrize("where", WHERE)
def test_a_path_of_this_machine(project: Project, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert planted(project, "in /home/somebody/x\n", where) == ["machine-path"]


def test_what_is_only_like_the_home(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/some")
    project.save(Entry(program="git", args=("/home/somebody/x", "/mnt/home/some", "/tmp/pytest-of-x")))
    assert checked(project) == []
    project.save(Entry(program="git", args=("/tmp/pytest-of-x/pytest-0/y",)))
    assert checked(project) == ["machine-path"]


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        "AKIA" + "ABCD1234" * 2,
        "glpat-" + "x1" * 10,
        "eyJhbGciOiJ9" + ".eyJzdWIiOiIx" + ".c2lnbmF0dXJl",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "Authorization: Bearer " + "abcdef123456",
        "https://user:" + "hunter22@example.org/x.git",
        "pypi-" + "AgEI" * 10,
    ],
)
@pytest.mark.parametrize("where", WHERE)
def test_what_looks_like_a_secret(project: Project, text: str, where: str) -> None:
    assert planted(project, text, where) == ["secret"]
    result = project.run("check")
    assert text not in result.out
    assert checked(project, "--no-secrets") == []


def test_a_secret_that_was_blotted_out(project: Project) -> None:
    project.save(Entry(program="git", args=("https://user:***@example.org", "https://user@example.org:443/")))
    assert checked(project) == []


def test_bytes_that_are_no_text_do_not_hide_anything(project: Project) -> None:
    project.save(Entry(program="git", args=(Base64(base64="/w=="),), stdout=encode(b"\xff" * 60)))
    assert checked(project) == []


def test_tapes_are_named_by_files_as_pre_commit_does(project: Project) -> None:
    good = project.save(Entry(program="git"))
    bad = project.write("tapes/bad.json", "[")
    assert checked(project, str(good)) == []
    assert checked(project, str(good), str(bad)) == ["unreadable"]


def test_a_tape_outside_of_the_project(project: Project, tmp_path: Path) -> None:
    test = "tests/test_x.py::test_y"
    path = tmp_path / "other" / "tests" / "test_x" / "test_y.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(dumps(Tape(test=test, entries=(Entry(program="a"),))))
    assert checked(project, str(path)) == []


def test_the_hook_of_pre_commit_is_for_tapes_alone() -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert re.search(r"^  entry: proctape check$", text, re.MULTILINE)
    files = re.search(r"^  files: (.*)$", text, re.MULTILINE)
    assert files is not None
    pattern = files[1].strip("'")
    assert re.search(pattern, "tapes/tests/test_git/test_log.json")
    assert re.search(pattern, "packages/a/tapes/x.json")
    assert not re.search(pattern, "package.json")
    assert not re.search(pattern, "tapes/_payloads/" + "a" * 64)


@pytest.mark.parametrize(
    "text, kind",
    [
        ("xoxo-" + "1234567890", "a Slack token"),
        ("hf_" + "a1B2" * 8, "a Hugging Face token"),
        ("AccountKey=" + "a1B2" * 10, "an Azure key"),
        ("https://hooks.slack.com/services/" + "T0000/B0000/abcdefgh1234", "a Slack webhook"),
        ("X-Api-Key: " + "abcdefgh1234", "a key or token behind its name"),
        ("://user:" + "hunter22@host", "a password in a URL"),
    ],
)
def test_every_shape_that_a_recording_takes_out_is_found_and_named(
    project: Project, text: str, kind: str
) -> None:
    project.save(Entry(program="git", stdout=f"so: {text}\n"))
    [finding] = project.run("check", "--json").json["findings"]
    assert finding["kind"] == "secret"
    assert kind in finding["problem"]


def test_what_a_recording_has_taken_out_is_none(project: Project) -> None:
    text = "Authorization: Bearer <redacted:TOKEN>\nx-api-key: <redacted>\nAccountKey=<redacted>\n"
    project.save(Entry(program="git", stdout=text))
    assert checked(project) == []
