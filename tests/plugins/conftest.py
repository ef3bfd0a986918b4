"""The project of the option tests, for runs with somebody else's plugin."""

from __future__ import annotations

from tests.options.conftest import project, real_processes

__all__ = ["project", "real_processes"]
