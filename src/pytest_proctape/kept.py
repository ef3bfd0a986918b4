"""What the plugin keeps with pytest's own objects, and what of it is made when it is first needed.

The files of the plugin's hooks share it; nobody else knows these keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .config import ItemConfig
from .enclosing import Enclosing, rules_of
from .parsing import Mode
from .settings import Settings, check_marker, for_test

if TYPE_CHECKING:
    from .item_tape import ItemTape
    from .logfile import LogFile
    from .portable import Rules
    from .quiet import QuietTape
    from .run import Run

# With the run: pytest.Config.
SETTINGS = pytest.StashKey[Settings]()
MODE = pytest.StashKey[Mode | None]()
UNMARKED = pytest.StashKey[Settings]()
"""What holds where no marker and no fixture says anything."""
ENCLOSING = pytest.StashKey[Enclosing]()
RUN: pytest.StashKey[Run] = pytest.StashKey()
LOG: pytest.StashKey[LogFile] = pytest.StashKey()
BASETEMP: pytest.StashKey[str] = pytest.StashKey()
# With a test, from its setup to its teardown: pytest.Item.
TAPE: pytest.StashKey[ItemTape | QuietTape] = pytest.StashKey()
CONFIG: pytest.StashKey[ItemConfig] = pytest.StashKey()


def keep(config: pytest.Config, settings: Settings, mode: Mode | None) -> None:
    """Keep what was asked for.

    Args:
        config: of the run.
        settings: of the ini file.
        mode: what the command line asks for.
    """
    config.stash[SETTINGS], config.stash[MODE] = settings, mode
    config.stash[UNMARKED] = for_test(settings, (), mode)


def settings_of(item: pytest.Item, asked: Mapping[str, object] | None = None) -> Settings | None:
    """The settings of a taped test, ``None`` for one that is not taped.

    Args:
        item: the test.
        asked: what ``tape_config`` gives, once that is known.

    Raises:
        UsageError: a marker is not understood.
    """
    config = item.config
    if not asked and not is_marked(item):
        unmarked = config.stash[UNMARKED]
        return unmarked if unmarked.auto or _names_fixture(item) else None
    markers = [check_marker(one.args, one.kwargs, item.nodeid) for one in item.iter_markers("tape")]
    if not markers and not config.stash[SETTINGS].auto and not _names_fixture(item):
        return None
    return for_test(config.stash[SETTINGS], [*markers, asked or {}], config.stash[MODE])


def is_taped(item: pytest.Item) -> bool:
    """Whether :func:`settings_of` has settings for ``item``, be they understood or not."""
    return item.config.stash[UNMARKED].auto or _names_fixture(item) or is_marked(item)


def _names_fixture(item: pytest.Item) -> bool:
    return "tape" in getattr(item, "fixturenames", ())


def is_marked(node: pytest.Item | pytest.Collector | None) -> bool:
    """Whether ``node.iter_markers("tape")`` has one; it is asked for each test."""
    while node is not None:
        for mark in node.own_markers:
            if mark.name == "tape":
                return True
        node = node.parent
    return False


def rules_of_run(config: pytest.Config) -> Rules | None:
    """The user's rules for what gets onto tapes, ``None`` if there are none.

    Raises:
        UsageError: a line is not understood.
    """
    return rules_of(config.stash[SETTINGS], str(config.inipath or "the ini file"))


def run_of(config: pytest.Config) -> Run:
    """What the tapes of this run have in common; the rooms come in with it."""
    run = config.stash.get(RUN, None)
    if run is None:
        from .run import Run

        directory = config.stash[SETTINGS].dir
        run = config.stash[RUN] = Run(
            root=config.rootpath,
            invoked_in=config.invocation_params.dir,
            tapes=Path(config.rootpath, directory),
            rules=rules_of_run(config),
            threshold=config.stash[SETTINGS].payload_threshold,
        )
        inform(config, run)
        if BASETEMP in config.stash:
            run.add_place("basetemp", config.stash[BASETEMP])
    return run


def inform(config: pytest.Config, run: Run | None) -> None:
    """Tell the run who wants to know of its tapes. It may have begun before that was understood.

    Args:
        config: of the run.
        run: where there is one yet.
    """
    if run is not None:
        if ENCLOSING in config.stash:
            run.expect = config.stash[ENCLOSING].expect
        run.log = config.stash.get(LOG, None)
        run.tells_all = bool(config.getoption("tapes_report", None))
