from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_proctape.errors import TapeCorrupt, TapeError, TapeVersionError, TapeWriteError
from pytest_proctape.tape import (
    Entry,
    Tape,
    TapeStore,
    absent,
    dumps,
    hashed_tape_path,
    tape_path,
)
from pytest_proctape.tape import files as files_module
from pytest_proctape.tape import store as store_module
from pytest_proctape.tape.files import check_inside
from tests.unit.disk import everything_in, failing

ONE = "tests/test_git.py::test_log"
LARGE = b"\xffline\n" * 20_000


def a_tape(nodeid: str = ONE, program: str = "git") -> Tape:
    return Tape(test=nodeid, entries=(Entry(program=program, args=("log",), exit_code=0),))


@pytest.fixture
def store(tmp_path: Path) -> TapeStore:
    return TapeStore(tmp_path / "tapes")


# Loading and saving


def test_what_was_saved_is_loaded(store: TapeStore) -> None:
    assert store.load(ONE) is None
    path = store.save(ONE, a_tape())
    assert path == store.root / "tests" / "test_git" / "test_log.json" == store.path_for(ONE)
    assert store.load(ONE) == a_tape()
    assert path.read_bytes() == dumps(a_tape())
    assert everything_in(store.root) == ["tests/test_git/test_log.json"]


def test_the_root_need_not_exist_and_is_not_made_by_looking(store: TapeStore) -> None:
    assert store.load(ONE) is None
    assert not store.delete(ONE)
    store.discard_attempt(ONE)
    assert not store.root.exists()


def test_a_relative_root_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = TapeStore(Path("tapes"))
    monkeypatch.chdir("/")
    assert store.save(ONE, a_tape()) == tmp_path / "tapes" / "tests" / "test_git" / "test_log.json"


def test_saving_again_replaces(store: TapeStore) -> None:
    store.save(ONE, a_tape())
    store.save(ONE, a_tape(program="hg"))
    assert store.load(ONE) == a_tape(program="hg")
    assert len(everything_in(store.root)) == 1


def test_saving_the_same_bytes_writes_nothing(store: TapeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.save(ONE, a_tape())
    os.utime(path, ns=(5, 5))
    before = path.stat()

    def refuse(source: object, target: object) -> None:
        raise AssertionError("nothing had to be written")

    monkeypatch.setattr(os, "replace", refuse)
    assert store.save(ONE, a_tape()) == path
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, 5)


def test_loading_writes_nothing_at_all(store: TapeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tapes in a directory that can't be written replay: only reading calls are made."""
    payload = store.add_payload(LARGE)
    store.save(ONE, Tape(test=ONE, entries=(Entry(program="cat", stdout=payload),)))
    real = os.open

    def read_only(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        assert flags & os.O_ACCMODE == os.O_RDONLY
        assert not flags & os.O_CREAT
        return real(path, flags, mode, dir_fd=dir_fd)

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("nothing may be written")

    monkeypatch.setattr(os, "open", read_only)
    for name in ("mkdir", "replace", "rename", "unlink", "link", "chmod"):
        monkeypatch.setattr(os, name, refuse)
    tape = store.load(ONE)
    assert tape is not None
    assert tape.entries[0].stdout is not None
    assert store.decode(tape.entries[0].stdout).bytes() == LARGE
    assert store.load("tests/test_git.py::test_other") is None


def test_a_tape_keeps_its_permissions(store: TapeStore) -> None:
    path = store.save(ONE, a_tape())
    umask = os.umask(0o022)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    store.save(ONE, a_tape(program="hg"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "data, error",
    [
        (b"", TapeCorrupt),
        (b'{"version": 1, "test": "' + ONE.encode() + b'", "entries": [', TapeCorrupt),
        (b'{"version": 7, "test": "' + ONE.encode() + b'", "future": 1}', TapeVersionError),
        (b"\xff\xfe", TapeCorrupt),
        (b"[" * 100_000, TapeCorrupt),
    ],
)
def test_a_broken_tape_is_an_error_and_never_missing(
    store: TapeStore, data: bytes, error: type[TapeError]
) -> None:
    path = store.root / tape_path(ONE)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    assert store.path_for(ONE) == path
    with pytest.raises(error) as caught:
        store.load(ONE)
    assert caught.value.path == path
    assert path.read_bytes() == data
    store.save(ONE, a_tape())
    assert store.load(ONE) == a_tape(), "saving was asked for"


def test_what_is_no_file_is_an_error(store: TapeStore) -> None:
    path = store.root / tape_path(ONE)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(TapeCorrupt, match="not a regular file"):
        store.load(ONE)
    path.unlink()
    path.mkdir()
    with pytest.raises(TapeCorrupt, match="not a regular file"):
        store.load(ONE)
    with pytest.raises(TapeWriteError, match="Is a directory") as caught:
        store.save(ONE, a_tape())
    assert "move the directory" in caught.value.next_step
    assert everything_in(store.root) == []


def test_a_file_that_cannot_be_read_is_an_error(store: TapeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(ONE, a_tape())
    monkeypatch.setattr(os, "open", failing(errno.EACCES))
    with pytest.raises(TapeCorrupt, match="Permission denied"):
        store.load(ONE)


# Failing disks and interruptions


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace", "chmod"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
def test_a_failing_disk_leaves_the_old_tape(
    store: TapeStore, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    path = store.save(ONE, a_tape())
    before = len(os.listdir("/dev/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(store, "path_for", lambda nodeid: path)
        patch.setattr(os, call, failing(number))
        with pytest.raises(TapeWriteError) as caught:
            store.save(ONE, a_tape(program="hg"))
    assert os.strerror(number) in str(caught.value)
    assert caught.value.path == path
    assert caught.value.next_step
    assert isinstance(caught.value.__cause__, OSError)
    assert not isinstance(caught.value, OSError)
    assert store.load(ONE) == a_tape()
    assert everything_in(store.root) == ["tests/test_git/test_log.json"]
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interruption_leaves_the_old_tape(
    store: TapeStore, monkeypatch: pytest.MonkeyPatch, call: str, error: type[BaseException]
) -> None:
    store.save(ONE, a_tape())

    def interrupted(*args: object) -> int:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, call, interrupted)
        with pytest.raises(error):
            store.save(ONE, a_tape(program="hg"))
    assert store.load(ONE) == a_tape()
    assert everything_in(store.root) == ["tests/test_git/test_log.json"]


def test_a_disk_that_takes_bytes_in_parts_gets_them_all(
    store: TapeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
    store.save(ONE, a_tape())
    assert store.load(ONE) == a_tape()


def test_the_bytes_are_on_the_disk_before_they_take_the_place_of_others(
    store: TapeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def noting(*args: object, name: str = name, real: Callable[..., None] = real) -> None:
            calls.append(name)
            real(*args)

        monkeypatch.setattr(os, name, noting)
    store.save(ONE, a_tape())
    assert calls == ["replace"]
    store.save(ONE, a_tape(program="hg"))
    assert calls == ["replace", "fsync", "replace"]


@pytest.mark.parametrize("where", ["", "tests", "tests/test_git"])
def test_a_file_in_the_place_of_a_directory(store: TapeStore, where: str) -> None:
    blocker = store.root / where
    blocker.parent.mkdir(parents=True, exist_ok=True)
    blocker.write_bytes(b"")
    with pytest.raises(TapeError, match="Not a directory"):
        store.load(ONE)
    for write in (store.save, store.save_attempt):
        with pytest.raises(TapeWriteError, match="Not a directory"):
            write(ONE, a_tape())
    assert blocker.read_bytes() == b""


def test_a_tape_that_cannot_be_a_file_is_refused(store: TapeStore) -> None:
    with pytest.raises(TapeWriteError, match="two ends"):
        store.save(ONE, Tape(test=ONE, entries=(Entry(program="a", exit_code=1, running=True),)))
    assert not store.root.exists()


def test_a_file_that_is_too_large_for_a_tape(store: TapeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.save(ONE, a_tape())
    size = path.stat().st_size
    monkeypatch.setattr(store_module, "LARGEST_TAPE", size)
    assert store.load(ONE) == a_tape()
    with pytest.raises(TapeWriteError, match=f"would have {size + 1} bytes"):
        store.save(ONE, a_tape(program="gitt"))
    assert store.load(ONE) == a_tape()
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(TapeCorrupt, match="too large"):
        store.load(ONE)


def test_a_file_is_loaded_whoever_owns_it(store: TapeStore, tmp_path: Path) -> None:
    path = store.save(ONE, a_tape())
    elsewhere = path.rename(path.with_name("other.json"))
    assert store.load_file(elsewhere) == a_tape()
    with pytest.raises(FileNotFoundError):
        store.load_file(path)
    path.symlink_to(tmp_path / "outside.json")
    with pytest.raises(TapeError, match="leads out of the directory of the tapes"):
        store.load_file(path)


# Attempts and removal


def test_an_attempt_lies_beside_the_tape(store: TapeStore) -> None:
    path = store.save(ONE, a_tape())
    attempt = store.save_attempt(ONE, a_tape(program="hg"))
    assert attempt == path.with_name("test_log.json.failed") == store.attempt_path(ONE)
    assert store.load(ONE) == a_tape()
    assert attempt.read_bytes() == dumps(a_tape(program="hg"))
    store.discard_attempt(ONE)
    store.discard_attempt(ONE)
    assert everything_in(store.root) == ["tests/test_git/test_log.json"]


def test_an_attempt_needs_no_tape(store: TapeStore) -> None:
    assert store.has_nothing(ONE)
    store.save_attempt(ONE, a_tape())
    assert store.lacks(ONE)
    assert not store.has_nothing(ONE)
    assert store.load(ONE) is None
    assert everything_in(store.root) == ["tests/test_git/test_log.json.failed"]


def test_deleting_says_whether_there_was_one(store: TapeStore) -> None:
    store.save(ONE, a_tape())
    assert store.delete(ONE)
    assert not store.delete(ONE)
    assert store.load(ONE) is None


def test_a_removal_that_fails_is_typed(store: TapeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(ONE, a_tape())
    store.save_attempt(ONE, a_tape())
    monkeypatch.setattr(os, "unlink", failing(errno.EROFS))
    with pytest.raises(TapeWriteError, match="Read-only"):
        store.delete(ONE)
    with pytest.raises(TapeWriteError, match="Read-only"):
        store.discard_attempt(ONE)


# Two tests, one name

LOWER, UPPER = "tests/test_git.py::test_log", "tests/test_git.py::test_LOG"


@pytest.mark.parametrize("first, second", [(LOWER, UPPER), (UPPER, LOWER)])
def test_the_second_of_two_names_that_differ_in_case_is_hashed(
    store: TapeStore, first: str, second: str
) -> None:
    one = store.save(first, a_tape(first))
    two = store.save(second, a_tape(second, "hg"))
    assert one == store.root / tape_path(first)
    assert two == store.root / hashed_tape_path(second)
    assert store.load(first) == a_tape(first)
    assert store.load(second) == a_tape(second, "hg")
    assert len({name.lower() for name in everything_in(store.root)}) == 2
    store.delete(first)
    assert store.load(second) == a_tape(second, "hg"), "the hashed name stays when the plain one is free"
    assert store.path_for(first) == one


def test_folders_that_differ_in_case_are_one_folder(store: TapeStore) -> None:
    other = "Tests/test_GIT.py::test_log"
    store.save(ONE, a_tape())
    path = store.save(other, a_tape(other, "hg"))
    assert path == store.root / "tests" / "test_git" / hashed_tape_path(other).name
    assert store.load(ONE) == a_tape()
    assert store.load(other) == a_tape(other, "hg")
    third = "Tests/test_GIT.py::test_diff"
    assert store.save(third, a_tape(third)) == store.root / "tests" / "test_git" / "test_diff.json"
    assert store.load(third) == a_tape(third)


def test_a_file_whose_own_name_changed_its_case_is_still_found(store: TapeStore) -> None:
    path = store.save(ONE, a_tape())
    moved = path.with_name("TEST_LOG.json")
    path.rename(moved)
    assert store.path_for(ONE) == moved
    assert store.load(ONE) == a_tape()


@pytest.mark.parametrize("owner", ["", None, 5, "tests/test_old.py::test_log", "tests/test_git.py::test_old"])
def test_a_tape_belongs_to_the_test_at_whose_place_it_lies(store: TapeStore, owner: object) -> None:
    """By hand, moved along with a renamed test, copied, or too broken to say: nobody else can own it."""
    path = store.root / tape_path(ONE)
    path.parent.mkdir(parents=True)
    document: dict[str, object] = {"version": 1, "test": owner, "entries": []}
    if owner == "":
        del document["test"]
    path.write_text(json.dumps(document))
    assert store.path_for(ONE) == path
    assert store.path_for(UPPER) == store.root / hashed_tape_path(UPPER)


@pytest.mark.parametrize("layout", [None, 2, "reordered", "large"])
def test_the_owner_is_found_in_any_layout(store: TapeStore, layout: object) -> None:
    path = store.root / tape_path(LOWER)
    path.parent.mkdir(parents=True)
    document: dict[str, object] = {"version": 1, "test": UPPER, "entries": []}
    if layout in {"reordered", "large"}:
        entries = [{"program": "git"}] * (1 if layout == "reordered" else 1000)
        document = {"entries": entries, "test": UPPER, "version": 1}
    path.write_text(json.dumps(document, indent=layout if isinstance(layout, int) else None))
    assert store.path_for(UPPER) == path, "where the other one is at home: this file differs only in case"
    assert store.path_for(LOWER) == store.root / hashed_tape_path(LOWER)


def test_odd_characters_of_an_owner_are_read_as_json(store: TapeStore) -> None:
    nodeid = 'tests/test_git.py::test_x["\\\u00e4"]'
    path = store.save(nodeid, a_tape(nodeid))
    assert store.path_for(nodeid) == path
    assert store.load(nodeid) == a_tape(nodeid)


def test_a_tape_that_is_there_is_found_without_listing(
    store: TapeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replay finds its tape in the same time, however many tests lie beside."""
    path = store.save(ONE, a_tape())
    monkeypatch.setattr(absent._Real, "listdir", failing(errno.EIO))
    assert store.path_for(ONE) == path


# Containment


def test_a_folder_that_leads_out_is_refused(store: TapeStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "test_git").mkdir(parents=True)
    store.root.mkdir()
    (store.root / "tests").symlink_to(outside)
    (outside / "test_git" / "test_log.json").write_bytes(dumps(a_tape()))
    (outside / "test_git" / "test_log.json.failed").write_bytes(b"of another project")
    before = everything_in(outside)
    for call in (
        lambda: store.load(ONE),
        lambda: store.save(ONE, a_tape(program="hg")),
        lambda: store.save_attempt(ONE, a_tape()),
        lambda: store.delete(ONE),
        lambda: store.discard_attempt(ONE),
    ):
        with pytest.raises(TapeError, match="leads out") as caught:
            call()
        assert str(outside) in caught.value.problem
    assert everything_in(outside) == before
    assert (outside / "test_git" / "test_log.json").read_bytes() == dumps(a_tape())


@pytest.mark.parametrize("path", ["../outside.json", "tests/../../outside.json", "tests/.."])
def test_a_path_that_goes_back_leads_out_without_any_link(store: TapeStore, path: str) -> None:
    (store.root / "tests").mkdir(parents=True)
    (store.root.parent / "outside.json").write_bytes(dumps(a_tape()))
    if path == "tests/..":
        assert check_inside(store.root / path, store.root) is not None
        return
    with pytest.raises(TapeError, match="leads out"):
        check_inside(store.root / path, store.root)
    with pytest.raises(TapeError, match="leads out"):
        store.load_file(store.root / path)


def test_a_link_in_the_place_of_a_tape_leaves_its_permissions_to_nobody(store: TapeStore) -> None:
    path = store.save(ONE, a_tape())
    plain = path.stat().st_mode
    other = path.rename(path.with_name("other.json"))
    path.symlink_to(other)
    assert store.save(ONE, a_tape(program="hg")) == path
    assert (path.is_symlink(), path.stat().st_mode) == (False, plain)
    assert store.load_file(other) == a_tape()


def test_a_tape_that_leads_out_is_refused(store: TapeStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_bytes(dumps(a_tape()))
    path = store.root / tape_path(ONE)
    path.parent.mkdir(parents=True)
    path.symlink_to(outside)
    with pytest.raises(TapeError, match="leads out"):
        store.load(ONE)
    with pytest.raises(TapeError, match="leads out"):
        store.save(ONE, a_tape(program="hg"))
    assert outside.read_bytes() == dumps(a_tape())


def test_a_root_that_is_a_link_is_the_users_choice(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "tapes").symlink_to("real")
    store = TapeStore(tmp_path / "tapes")
    store.save(ONE, a_tape())
    assert store.load(ONE) == a_tape()
    assert everything_in(tmp_path / "real") == ["tests/test_git/test_log.json"]


def test_a_link_inside_the_root_is_followed_and_then_replaced(store: TapeStore) -> None:
    path = store.save(ONE, a_tape())
    shared = path.with_name("shared.json")
    path.rename(shared)
    path.symlink_to(shared.name)
    assert store.load(ONE) == a_tape()
    store.save(ONE, a_tape(program="hg"))
    assert not path.is_symlink()
    assert shared.read_bytes() == dumps(a_tape())


def test_temporary_names_are_told_from_tapes() -> None:
    name = Path(files_module.temporary_beside("tapes/tests/test_x.json")).name
    assert name.startswith(".proctape-")
    assert name.endswith(".tmp")
    assert name != Path(files_module.temporary_beside("tapes/tests/test_x.json")).name


def test_a_node_id_that_is_nested_very_deep_is_damage(tmp_path: Path) -> None:
    store = TapeStore(tmp_path)
    path = store.path_for("test_a.py::test_a")
    path.parent.mkdir(parents=True)
    nested = "[" * 200_000
    path.write_text('{\n  "version": 2,\n  "test": ' + nested + "\n}\n")
    assert store.owner_of(path) is None
    with pytest.raises(TapeError):
        store.load("test_a.py::test_a")


@pytest.mark.parametrize("said", ['"test_a.py::test_a', '"\\x"', '{"a": 1}'])
def test_an_owner_that_is_no_text_is_damage(store: TapeStore, said: str) -> None:
    path = store.path_for("test_a.py::test_a")
    path.parent.mkdir(parents=True)
    path.write_text('{\n  "version": 2,\n  "test": ' + said + "\n}\n")
    assert store.owner_of(path) is None
    with pytest.raises(TapeCorrupt):
        store.load("test_a.py::test_a")


def test_what_is_added_to_a_damaged_tape_begins_anew(store: TapeStore) -> None:
    store.save(ONE, a_tape()).write_bytes(b"{")
    seen: list[Tape | None] = []

    def change(old: Tape | None) -> Tape:
        seen.append(old)
        return a_tape(program="hg")

    assert store.update(ONE, change)
    assert seen == [None]
    assert store.load(ONE) == a_tape(program="hg")


def test_a_directory_that_cannot_be_listed_is_told(store: TapeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(ONE, a_tape(nodeid="another.py::test_it"))
    monkeypatch.setattr(store_module, "_LISTDIR", failing(errno.EACCES))
    with pytest.raises(TapeError, match="the directory can't be read: Permission denied"):
        store.path_for(ONE)
    with pytest.raises(TapeWriteError, match="the directory can't be read: Permission denied"):
        store.save(ONE, a_tape())
