"""Which tests there are, and so which tapes are nobody's. A plugin of its own, which the plugin registers.

Tapes are called orphaned only when the whole suite was collected and ran to its end: nothing deselected,
no paths named, nothing that failed to be collected, no worker lost. What can't be told stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from .frozen import Frozen
from .kept import HasHooks
from .keys import OrphansAction

_KEY = "proctape_census"
_NARROWING = (
    "keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise", "collectonly",
    "setuponly", "setupplan",
)  # fmt: skip
"""Options that leave tests out. A worker's deselections are told to the worker only."""


class Orphans(Frozen):
    """What nobody owns.

    Attributes:
        tapes: and attempts of recordings that failed; relative to the root directory.
        payloads: how many payload files no tape names.
        deleted: they are gone.
    """

    tapes: list[str]
    payloads: int
    deleted: bool


class Census(HasHooks):
    """Counts the tests of a run; in a worker for the controller."""

    def __init__(self, config: pytest.Config, *, partial: bool = False) -> None:
        """Know nothing yet.

        Args:
            config: of the run.
            partial: some of the tests may have been collected, or left out, already.
        """
        self._config = config
        self._nodeids: set[str] = set()
        self._fixtures: set[str] = set()
        self._skipped: list[str] = []
        self._partial = partial
        self.seen: set[str] = set()
        """Owners of tapes that were used."""

    # -- what pytest tells ---------------------------------------------------------------------

    def pytest_deselected(self) -> None:
        """Some tests were left out."""
        self._partial = True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file or folder was collected, or not."""
        if report.failed:
            self._partial = True
        elif report.skipped:
            self._skipped.append(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Iterable[str]) -> None:
        """A worker has collected its tests."""
        self._nodeids.update(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ANN401
        """A worker has ended. xdist's nodes are untyped."""
        told = (getattr(node, "workeroutput", None) or {}).get(_KEY)
        if error or told is None:
            self._partial = True
            return
        self._partial = self._partial or told["partial"]
        self._skipped.extend(told["skipped"])
        self._fixtures.update(told["fixtures"])

    def conclude(self, session: pytest.Session) -> None:
        """The session is over: a worker sends what it has collected to its controller."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            self._note_fixtures(session.items)
            output[_KEY] = {
                "partial": self._partial,
                "skipped": self._skipped,
                "fixtures": sorted(self._fixtures),
            }

    def take_in(self, session: pytest.Session) -> None:
        """Note the tests that this process has collected itself; only needed where there are tapes."""
        self._nodeids.update(item.nodeid for item in session.items)
        self._note_fixtures(session.items)

    def _note_fixtures(self, items: Iterable[pytest.Item]) -> None:
        noted: object = None
        for item in items:
            info = getattr(item, "_fixtureinfo", None)
            # Tests of one function share the object that knows its fixtures.
            if info is not None and info is not noted:
                noted = info
                file = item.nodeid.partition("::")[0]
                for name in info.name2fixturedefs:
                    self._fixtures.add(f"{file}::{name}")
                    self._fixtures.add(f"::{name}")

    # -- what follows --------------------------------------------------------------------------

    def is_whole(self, session: pytest.Session) -> bool:
        """Whether every test of the suite was collected and had its turn."""
        option = self._config.option
        if self._partial or session.shouldstop or session.shouldfail:
            return False
        if int(session.exitstatus) not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return False
        if any(getattr(option, name, None) for name in _NARROWING):
            return False
        return bool(self._nodeids) and self._means_all()

    def _means_all(self) -> bool:
        """Whether what was named on the command line, if anything, is everything."""
        config, sources = self._config, pytest.Config.ArgsSource
        if config.args_source == sources.TESTPATHS:
            return True
        return any(Path(config.invocation_params.dir, arg) == config.rootpath for arg in config.args)

    def owners(self) -> set[str]:
        """The node ids of the tests."""
        return self._nodeids

    def keeps(self) -> Callable[[str], bool]:
        """Tells whether a tape counts as somebody's though no test that was collected is its owner."""
        root = self._config.rootpath
        files = {nodeid.partition("::")[0] for nodeid in self._nodeids}
        skipped = tuple(f"{nodeid}{sign}" for nodeid in self._skipped for sign in ("::", "/"))
        there: dict[str, bool] = {}

        def keep(owner: str) -> bool:
            file, colons, rest = owner.partition("::")
            if not colons or owner in self.seen or file.startswith("@") or owner.startswith(skipped):
                return True
            if file not in there:
                there[file] = os.path.exists(root / file)
            if not there[file]:
                return False
            fixture = fixture_of(rest)
            if fixture is not None:
                # Those of a folder, or of all tests, are named by the conftest file.
                user = "" if os.path.basename(file) == "conftest.py" else file
                return f"{user}::{fixture}" in self._fixtures or fixture == "import"
            # A doctest has a dot in its name, and is there only with --doctest-modules.
            return file not in files or "." in rest.partition("[")[0]

        return keep


def fixture_of(name: str) -> str | None:
    """The fixture's name in what is behind the file of an owner; ``None`` for a test's.

    ``Class::@fixture[param]@place``: see the plugin.
    """
    # What a parameter says is no matter.
    scope, at, fixture = name.partition("[")[0].partition("@")
    if not at or (scope and not scope.endswith("::")):
        return None
    return fixture.partition("@")[0]


def take(
    census: Census, session: pytest.Session, tapes: Path, action: OrphansAction, paths_from: Path
) -> Orphans | None:
    """Look for orphans, and do with them what was asked for; ``None`` where that can't be told or is no case.

    Args:
        census: of the run.
        session: which is over.
        tapes: the directory of the tapes.
        action: what is done. Nothing is deleted where a test failed.
        paths_from: what paths are shown relative to.

    Raises:
        TapeWriteError: one can't be deleted.
    """
    if not tapes.is_dir():
        return None
    census.take_in(session)
    if not census.is_whole(session):
        return None
    from .tape import TapeStore, orphaned_payloads, orphaned_tapes, remove_orphans

    store = TapeStore(tapes)
    found = [path for path, _ in orphaned_tapes(store, census.owners(), census.keeps())]
    payloads = orphaned_payloads(store, without=found if action == "delete" else ())
    if not found and not payloads:
        return None
    deleted = action == "delete" and session.exitstatus == pytest.ExitCode.OK
    if deleted:
        remove_orphans(store, [*found, *payloads])
    return Orphans([os.path.relpath(path, paths_from) for path in found], len(payloads), deleted)
