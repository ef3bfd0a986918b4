"""Looks for a taped test: with the first one come the hooks of a test's life, and no other run pays for them.

The plugin calls :func:`begin` when all tests are known.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from .kept import HasHooks, is_taped

_WATCH, _LIFE, _REFUSER = "proctape-watch", "proctape-life", "proctape-refuser"
_MANY = 100
"""Tests that stay in memory to the end, and with them what they are made of."""


def begin(session: pytest.Session) -> None:
    """All tests are known, with the markers that other plugins give them; look out from now on."""
    if any(is_taped(item) for item in session.items):
        _engage(session.config, session.items)
    else:
        session.config.pluginmanager.register(Watch(), _WATCH)


class Watch(HasHooks):
    """Has a hook until the first taped test is known."""

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """One may have been marked since; who does so this late comes first."""
        if is_taped(item):
            from .heed import heed

            item.config.pluginmanager.unregister(name=_WATCH)
            heed(item.config, late=True)
            _engage(item.config, item.session.items)


def _engage(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Bring the hooks in."""
    from .config import has_config
    from .counting import receive_from_forks
    from .life import Life, Refuser

    if not config.option.collectonly:
        from .direct import directly
        from .unfaked import keep_real_files

        # Before any test or fixture: what one has put in the place of a real function is no real function.
        with directly():
            from . import run  # noqa: F401 - for what it imports

            keep_real_files()
    if len(items) > _MANY:
        from .uncollected import make_old

        make_old()
    manager = config.pluginmanager
    manager.register(Life(config), _LIFE)
    receive_from_forks(config)
    if any(has_config(item) for item in {item.parent: item for item in items}.values()):
        manager.register(Refuser(), _REFUSER)
