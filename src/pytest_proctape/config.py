"""What a pytest run says about tapes: its ini file, its flags, and the fixture ``tape_config``.

The plugin calls it. What it finds is checked by :mod:`.settings`, which knows nothing of pytest.
"""

from __future__ import annotations

import argparse
import inspect
import os
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

import pytest

from .errors import UsageError
from .keys import INI_PREFIX, Mode
from .options import in_file, overridden
from .parsing import nearest
from .settings import KEYS, Settings, check_asked, command_line_mode, from_ini

_FIXTURE = "tape_config"
_HAS_CONFIG = pytest.StashKey[bool]()


def ini_settings(config: pytest.Config) -> Settings:
    """What the ini file says, and ``-o``.

    Raises:
        UsageError: a key is not known, or its value is not understood.
    """
    _refuse_unknown(config)
    return from_ini(_written(config), config.inipath or "the ini file")


def with_toolchain(config: pytest.Config, settings: Settings) -> Settings:
    """``settings`` with the whole path of the toolchain, if there is to be one.

    Raises:
        UsageError: there is no such directory, or nothing that could run what is in it.
    """
    if not settings.wasi:
        return settings
    folder = config.rootpath / settings.wasi
    if not folder.is_dir():
        raise UsageError(
            f"tapes_wasi: there is no directory {folder}; make it, and put <program>.wasm into it"
        )
    if find_spec("wasmtime") is None:
        raise UsageError("tapes_wasi needs wasmtime: pip install pytest-proctape[wasi]")
    return settings.but(wasi=str(folder))


def flag_mode(options: argparse.Namespace) -> Mode | None:
    """The mode that the command line asks for.

    Raises:
        UsageError: two of its flags contradict each other.
    """
    return command_line_mode(
        options.record_tapes or (), options.replay_tapes, options.live_tapes, options.verify_tapes
    )


def header(config: pytest.Config, settings: Settings, mode: Mode | None) -> str:
    """The settings of the run in one line: mode and directory, what is not the default, and who says so."""
    shown = settings if mode is None else settings.but(mode=mode)
    default = Settings()
    told = []
    for key in KEYS:
        value = getattr(shown, key.name)
        source = _source(config, key.ini_name)
        if key.name == "mode" and mode is not None:
            source = "the command line"
        if source or value != getattr(default, key.name) or key.name in {"mode", "dir"}:
            told.append(f"{key.name}={_plain(value)}" + (f" ({source})" if source else ""))
    return f"tapes: {', '.join(told)}"


def _definitions(item: pytest.Item) -> Sequence[pytest.FixtureDef[Any]] | None:
    """Those of ``tape_config`` that hold for ``item``, the nearest last. Pytest 8.0 wants its node id."""
    asked: Any = item if pytest.version_tuple >= (8, 1) else item.nodeid
    return item.session._fixturemanager.getfixturedefs(_FIXTURE, asked)


def has_config(item: pytest.Item) -> bool:
    """Whether anybody besides us defines the fixture ``tape_config`` for ``item``.

    That is the same for all tests of a module or a class, and looked for there once.
    """
    parent = item.parent
    assert parent is not None
    known = parent.stash.get(_HAS_CONFIG, None)
    if known is None:
        found = _definitions(item)
        known = parent.stash[_HAS_CONFIG] = found is not None and len(found) > 1
    return known


class ItemConfig:
    """What the fixture ``tape_config`` says of one test.

    A test's tape begins before the fixtures of the test, and this is one. So it is made the first, and
    the tape begins as soon as it has a value: with the test, where an earlier one has asked for it already.

    Attributes:
        fixturedef: the definition that is nearest to the test; ``None`` where there is only ours.
        refused: its value was, before the setup began.
        setup: what is in place for the rest of the test's setup.
    """

    def __init__(self, item: pytest.Item) -> None:
        found = _definitions(item)
        names = getattr(item, "fixturenames", None)
        self._config = item.config
        self.refused: UsageError | None = None
        self.setup = ExitStack()
        self.fixturedef = None if found is None or len(found) < 2 or names is None else found[-1]
        if self.fixturedef is not None and names is not None:
            # The list may be that of several tests.
            if _FIXTURE in names:
                names.remove(_FIXTURE)
            names.insert(0, _FIXTURE)

    @property
    def known(self) -> bool:
        """The fixture has a value."""
        if self.fixturedef is None:
            return True
        result = self.fixturedef.cached_result
        return result is not None and result[2] is None

    def asked(self) -> dict[str, object]:
        """Its value, checked.

        Raises:
            UsageError: it is not understood.
        """
        if self.fixturedef is None or self.fixturedef.cached_result is None:
            return {}
        value = self.fixturedef.cached_result[0]
        source = _place_of(self.fixturedef.func, self._config)
        return check_asked({} if value is None else value, source, shape="{}: {!r}", what="setting")


def _place_of(function: Any, config: pytest.Config) -> str:  # noqa: ANN401 - what pytest keeps of a fixture
    file = inspect.getsourcefile(inspect.unwrap(function)) or "?"
    inside = os.path.relpath(file, config.rootpath)
    return f"tape_config in {file if inside.startswith('..') else inside}"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list | set | frozenset):
        return " ".join(str(one) for one in value) or "none"
    return str(value)


def _source(config: pytest.Config, ini_name: str) -> str:
    """Where an ini key is given: ``-o``, or the name of the file; empty where it is not."""
    if ini_name in overridden(config):
        return "-o"
    if ini_name in in_file(config) and config.inipath is not None:
        return config.inipath.name
    return ""


def _refuse_unknown(config: pytest.Config) -> None:
    """Pytest only warns of a key that it does not know, and with ``-o`` says nothing at all."""
    known = [key.ini_name for key in KEYS]
    for name in [*in_file(config), *overridden(config)]:
        if not name.startswith(INI_PREFIX) or name in known:
            continue
        try:
            config.getini(name)
        except (ValueError, KeyError):
            where = "-o" if name in overridden(config) else config.inipath or "the ini file"
            raise UsageError(
                f"{where} has {name!r}, and there is no such key{nearest(name, known)}; "
                f"the keys are {', '.join(known)}"
            ) from None


def _written(config: pytest.Config) -> dict[str, object]:
    """The ini file's keys that are ours.

    Raises:
        UsageError: one is not of the type that it must be.
    """
    written = {}
    for key in KEYS:
        try:
            written[key.ini_name] = config.getini(key.ini_name)
        except (ValueError, pytest.UsageError) as error:
            # It is a UsageError from pytest 9 on.
            told = "; say true or false" if key.kind == "bool" else ""
            file = config.inipath or "the ini file"
            raise UsageError(f"{key.ini_name} in {file}: {error}{told}") from None
    return written
