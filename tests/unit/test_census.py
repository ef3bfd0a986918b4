"""Which tests there are, when that can be told, and what counts as somebody's all the same."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_proctape.census import Census, fixture_of, take
from pytest_proctape.tape import Tape, TapeStore

_SOURCES = pytest.Config.ArgsSource


def _config(root: Path, **changes: Any) -> pytest.Config:
    options = changes.pop("options", {})
    made = {
        "option": SimpleNamespace(**options),
        "args_source": _SOURCES.INVOCATION_DIR,
        "args": [str(root)],
        "invocation_params": SimpleNamespace(dir=root),
        "rootpath": root,
        **changes,
    }
    return cast(pytest.Config, SimpleNamespace(**made))


def _session(*nodeids: str, fixtures: tuple[str, ...] = (), **changes: Any) -> pytest.Session:
    info = SimpleNamespace(name2fixturedefs=dict.fromkeys(fixtures))
    items = [SimpleNamespace(nodeid=one, _fixtureinfo=info) for one in nodeids]
    made = {"items": items, "shouldstop": False, "shouldfail": False, "exitstatus": pytest.ExitCode.OK}
    return cast(pytest.Session, SimpleNamespace(**{**made, **changes}))


def _census(root: Path, session: pytest.Session, **changes: Any) -> Census:
    census = Census(_config(root, **changes))
    census.take_in(session)
    return census


@pytest.mark.parametrize(
    "name, fixture",
    [
        ("@wide", "wide"),
        ("@wide[a@b]", "wide"),
        ("Class::@wide[x]@place", "wide"),
        ("test_it", None),
        ("test_it[@x]", None),
        ("Class::test_it[a::@b]", None),
    ],
)
def test_the_fixture_of_an_owner(name: str, fixture: str | None) -> None:
    assert fixture_of(name) == fixture


def test_all_of_it_is_the_whole_suite(tmp_path: Path) -> None:
    session = _session("test_a.py::test_it")
    assert _census(tmp_path, session).is_whole(session)
    assert _census(tmp_path, session, args_source=_SOURCES.TESTPATHS, args=["a"]).is_whole(session)


@pytest.mark.parametrize(
    "changes",
    [
        {"options": {"keyword": "x"}},
        {"options": {"lf": True}},
        {"options": {"setuponly": True}},
        {"args": ["test_a.py"]},
    ],
)
def test_a_part_is_not(tmp_path: Path, changes: dict[str, Any]) -> None:
    session = _session("test_a.py::test_it")
    assert not _census(tmp_path, session, **changes).is_whole(session)


@pytest.mark.parametrize(
    "changes", [{"shouldstop": "x"}, {"shouldfail": "x"}, {"exitstatus": pytest.ExitCode.INTERRUPTED}]
)
def test_a_run_that_was_broken_off_is_not(tmp_path: Path, changes: dict[str, Any]) -> None:
    session = _session("test_a.py::test_it", **changes)
    assert not _census(tmp_path, session).is_whole(session)


def test_nothing_is_not_the_whole_suite(tmp_path: Path) -> None:
    assert not _census(tmp_path, _session()).is_whole(_session())


def test_what_was_deselected_or_not_collected_makes_it_a_part(tmp_path: Path) -> None:
    session = _session("test_a.py::test_it")
    census = _census(tmp_path, session)
    census.pytest_deselected()
    assert not census.is_whole(session)
    census = _census(tmp_path, session)
    census.pytest_collectreport(cast(Any, SimpleNamespace(failed=True, skipped=False, nodeid="test_b.py")))
    assert not census.is_whole(session)


def test_a_worker_tells_what_it_has_collected(tmp_path: Path) -> None:
    output: dict[str, Any] = {}
    session = _session("test_a.py::test_it", fixtures=("wide",))
    worker = Census(_config(tmp_path, workeroutput=output))
    worker.conclude(session)
    controller = Census(_config(tmp_path))
    controller.pytest_xdist_node_collection_finished(["test_a.py::test_it"])
    (tmp_path / "test_a.py").touch()
    controller.pytest_testnodedown(SimpleNamespace(workeroutput=output), None)
    empty = _session()
    assert controller.is_whole(empty)
    assert controller.owners() == {"test_a.py::test_it"}
    assert controller.keeps()("test_a.py::@wide")
    assert not controller.keeps()("test_a.py::@other")
    controller.pytest_testnodedown(SimpleNamespace(), "it crashed")
    assert not controller.is_whole(empty)


def test_who_counts_though_no_test_is_the_owner(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").touch()
    (tmp_path / "conftest.py").touch()
    (tmp_path / "README.rst").touch()
    census = _census(tmp_path, _session("test_a.py::test_it", fixtures=("wide",)))
    census.pytest_collectreport(cast(Any, SimpleNamespace(failed=False, skipped=True, nodeid="test_b.py")))
    census.seen.add("test_a.py::test_used")
    keeps = census.keeps()
    kept = [
        "",
        "@ambient",
        "block.json",
        "@installed/x.py::@import",
        "test_a.py::test_used",
        "test_a.py::@wide[x]",
        "test_a.py::@import",
        "conftest.py::@wide",
        "test_b.py::test_it",
        "README.rst::README.rst",
        "test_a.py::test_a.function",
    ]
    assert [one for one in kept if not keeps(one)] == []
    gone = ["test_a.py::test_gone", "test_a.py::@narrow", "test_c.py::test_it", "conftest.py::@narrow"]
    assert [one for one in gone if keeps(one)] == []


def _suite(root: Path) -> TapeStore:
    (root / "test_a.py").touch()
    store = TapeStore(root / "tapes")
    for owner in ("test_a.py::test_it", "test_a.py::test_gone"):
        store.save(owner, Tape(test=owner, entries=()))
    return store


def test_orphans_are_told_and_deleted_where_that_is_asked_for(tmp_path: Path) -> None:
    store, session = _suite(tmp_path), _session("test_a.py::test_it")
    found = take(Census(_config(tmp_path)), session, store.root, "report", tmp_path)
    assert found is not None
    assert (found.tapes, found.payloads, found.deleted) == (["tapes/test_a/test_gone.json"], 0, False)
    failed = _session("test_a.py::test_it", exitstatus=pytest.ExitCode.TESTS_FAILED)
    found = take(Census(_config(tmp_path)), failed, store.root, "delete", tmp_path)
    assert found is not None
    assert not found.deleted
    found = take(Census(_config(tmp_path)), session, store.root, "delete", tmp_path)
    assert found is not None
    assert found.deleted
    assert take(Census(_config(tmp_path)), session, store.root, "delete", tmp_path) is None


def test_nothing_is_looked_at_where_there_are_no_tapes(tmp_path: Path) -> None:
    session = cast(pytest.Session, object())
    assert take(Census(_config(tmp_path)), session, tmp_path / "tapes", "report", tmp_path) is None
