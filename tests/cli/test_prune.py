from __future__ import annotations

import os
from pathlib import Path

from pytest_proctape.tape import Entry, Event, Tape
from tests.cli.conftest import ONE, Project

HOURS_AGO_NS = 1_000_000_000_000_000_000
"""Long before now, in nanoseconds since the epoch."""

LONG = tuple(Event(stdout=(f"{number}\n",) * 100) for number in range(500))
"""Events that are large together."""


def files(project: Project) -> set[str]:
    root = project.store.root
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def littered(project: Project) -> tuple[set[str], set[str]]:
    """What has to stay, and what can go."""
    used, unused = (project.store.add_payload(byte * 100_000) for byte in (b"x", b"y"))
    attempts_own = project.store.add_payload(b"z" * 100_000)
    project.save(Entry(program="git", stdout=used))
    attempt = Tape(test=ONE, entries=(Entry(program="git", stdout=attempts_own),))
    project.store.save_attempt(ONE, attempt)
    for name, at_ns in ((".proctape-00.tmp", HOURS_AGO_NS), (".proctape-01.tmp", None)):
        path = project.write(f"tapes/{name}", "half")
        if at_ns is not None:
            os.utime(path, ns=(at_ns, at_ns))
    project.write("tapes/README.md", "mine")
    stay = {"tests/test_git/test_log.json", f"_payloads/{used.sha256}", ".proctape-01.tmp", "README.md"}
    go = {
        "tests/test_git/test_log.json.failed",
        f"_payloads/{unused.sha256}",
        f"_payloads/{attempts_own.sha256}",
        ".proctape-00.tmp",
    }
    return stay, go


def test_nothing_to_remove(project: Project) -> None:
    project.save(Entry(program="git"))
    result = project.run("prune")
    assert (result.code, result.out) == (0, "nothing to remove\n")


def test_what_the_events_of_a_dialog_count_is_used(project: Project) -> None:
    project.save(Entry(program="git", timeline=LONG))
    result = project.run("prune", "--force")
    assert (result.code, result.out) == (0, "nothing to remove\n")
    assert project.run("check").code == 0
    (payload,) = project.store.payloads.iterdir()
    payload.write_bytes(b"other")
    assert "payload" in project.run("check").out


def test_without_force_it_only_shows(project: Project) -> None:
    stay, go = littered(project)
    result = project.run("prune")
    assert result.code == 1
    assert files(project) == stay | go
    assert {line.split()[2].removeprefix("tapes/") for line in result.lines[:-1]} == go
    assert all(line.startswith("would remove ") for line in result.lines[:-1])
    assert result.lines[-1].endswith("; remove them with --force")


def test_with_force_it_removes(project: Project) -> None:
    stay, go = littered(project)
    result = project.run("prune", "--force")
    assert (result.code, result.err) == (0, "")
    assert files(project) == stay
    assert len(result.lines) == len(go) + 1
    assert project.run("prune").code == 0


def test_attempts_and_their_payloads_can_be_kept(project: Project) -> None:
    littered(project)
    result = project.run("prune", "--keep-attempts", "--json")
    assert sorted(one["kind"] for one in result.json["files"]) == ["payload", "unfinished"]
    assert result.json["removed"] is False


def test_no_payload_goes_while_a_tape_cannot_be_read(project: Project) -> None:
    _, go = littered(project)
    broken = project.write("tapes/broken.json", "[")
    result = project.run("prune", "--force")
    assert result.code == 1
    assert "tapes/broken.json: the file is truncated" in result.err
    assert "payloads are left alone" in result.err
    assert {name for name in go if name.startswith("_payloads/")} < files(project)
    broken.unlink()
    assert project.run("prune", "-f").code == 0
    assert not go & files(project)


def test_a_directory_by_name(project: Project, tmp_path: Path) -> None:
    littered(project)
    elsewhere = project.store.root.rename(tmp_path / "elsewhere")
    result = project.run("prune", "--json", str(elsewhere))
    assert len(result.json["files"]) == 4
    # A part of the tapes can't tell what is used; the whole is looked through.
    assert project.run("prune", "--json", str(elsewhere / "tests")).json == result.json
