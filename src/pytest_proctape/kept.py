"""What the plugin keeps with pytest's own objects, and what of it is made when it is first needed.

The files of the plugin's hooks share it; nobody else knows these keys. Every start of pytest reads this
file, so what most runs don't need is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .config import ItemConfig
    from .enclosing import Enclosing
    from .item_tape import ItemTape
    from .keys import Mode
    from .logfile import LogFile
    from .portable import Rules
    from .quiet import QuietTape
    from .run import Run
    from .settings import Settings

# With the run: pytest.Config. The first three are there once the run is heeded; see :mod:`.heed`.
SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
MODE: pytest.StashKey[Mode | None] = pytest.StashKey()
UNMARKED: pytest.StashKey[Settings] = pytest.StashKey()
"""What holds where no marker and no fixture says anything."""
ENCLOSING: pytest.StashKey[Enclosing] = pytest.StashKey()
RUN: pytest.StashKey[Run] = pytest.StashKey()
LOG: pytest.StashKey[LogFile] = pytest.StashKey()
BASETEMP: pytest.StashKey[str] = pytest.StashKey()
# With a test, from its setup to its teardown: pytest.Item.
TAPE: pytest.StashKey[ItemTape | QuietTape] = pytest.StashKey()
CONFIG: pytest.StashKey[ItemConfig] = pytest.StashKey()


class HasHooks:
    """What is registered for its hooks, and shows nothing else: pytest looks at each name several times."""

    def __dir__(self) -> list[str]:
        return [name for name in dir(type(self)) if name.startswith("pytest_")]


def keep(config: pytest.Config, settings: Settings, mode: Mode | None) -> None:
    """Keep what was asked for.

    Args:
        config: of the run.
        settings: of the ini file.
        mode: what the command line asks for.
    """
    from .settings import for_test

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
    marks = marks_of(item)
    if not asked and not any(mark.args or mark.kwargs for mark in marks):
        unmarked = config.stash[UNMARKED]
        return unmarked if marks or unmarked.auto or _names_fixture(item) else None
    from .settings import check_marker, for_test

    markers = [check_marker(mark.args, mark.kwargs, item.nodeid) for mark in marks]
    if not markers and not config.stash[SETTINGS].auto and not _names_fixture(item):
        return None
    return for_test(config.stash[SETTINGS], [*markers, asked or {}], config.stash[MODE])


def is_taped(item: pytest.Item) -> bool:
    """Whether :func:`settings_of` has settings for ``item``, be they understood or not."""
    if _names_fixture(item) or marks_of(item):
        return True
    unmarked = item.config.stash.get(UNMARKED, None)
    return unmarked is not None and unmarked.auto


def _names_fixture(item: pytest.Item) -> bool:
    """Whether our fixture ``tape`` is asked for, and not something of the project's that is called so."""
    names = getattr(item, "fixturenames", ())
    if "tape" not in names:
        return False
    known: Any = getattr(item, "_fixtureinfo", None)
    definitions = () if known is None or "tape_clock" in names else known.name2fixturedefs.get("tape", ())
    for definition in reversed(definitions):
        # One that asks for another of its name leads on to that. A parameter of the test is one, too.
        if "tape" not in definition.argnames:
            return getattr(definition.func, "__module__", "") == "pytest_proctape.plugin"
    return True


def marks_of(node: pytest.Item | pytest.Collector | None) -> list[pytest.Mark]:
    """What ``node.iter_markers("tape")`` gives, the nearest first; it is asked often for each test."""
    found: list[pytest.Mark] = []
    while node is not None:
        if node.own_markers:
            found += [mark for mark in node.own_markers if mark.name == "tape"]
        node = node.parent
    return found


def is_meant_to_be_live(item: pytest.Item) -> bool:
    """Whether ``item`` says that it runs for real, though the command line may say otherwise."""
    modes = [mark.kwargs["mode"] for mark in marks_of(item) if "mode" in mark.kwargs]
    return modes[:1] == ["live"]


def rules_of_run(config: pytest.Config) -> Rules | None:
    """The user's rules for what gets onto tapes, ``None`` if there are none.

    Raises:
        UsageError: a line is not understood.
    """
    from .enclosing import rules_of

    return rules_of(config.stash[SETTINGS], str(config.inipath or "the ini file"))


def run_of(config: pytest.Config) -> Run:
    """What the tapes of this run have in common; the rooms come in with it."""
    run = config.stash.get(RUN, None)
    if run is None:
        from .direct import directly

        with directly():
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
