"""Looks for a taped test: with the first one come the hooks of a test's life, and no other run pays for them.

The plugin registers a :class:`Watch`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import pytest

from .config import has_config
from .kept import is_taped

_WATCH, _LIFE, _REFUSER = "proctape-watch", "proctape-life", "proctape-refuser"


def begin(config: pytest.Config) -> None:
    """Look out from now on."""
    config.pluginmanager.register(Watch(), _WATCH)


class Watch:
    """Has hooks until the first taped test is known."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """All tests are known, with the markers that other plugins give them."""
        if any(is_taped(item) for item in session.items):
            _engage(session.config, session.items)
        return (yield)

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """One may have been marked since; who does so this late comes first."""
        if is_taped(item):
            _engage(item.config, item.session.items)


def _engage(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Bring the hooks in."""
    from .counting import receive_from_forks
    from .life import Life, Refuser

    manager = config.pluginmanager
    manager.unregister(name=_WATCH)
    manager.register(Life(config), _LIFE)
    receive_from_forks(config)
    if any(has_config(item) for item in {item.parent: item for item in items}.values()):
        manager.register(Refuser(), _REFUSER)
