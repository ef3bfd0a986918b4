"""The functions of :mod:`time` behind a clock that was frozen before the package was imported.

A conftest file may have frozen it, and what is taken for the real clock then is taken for it to the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any


def unfrozen(name: str) -> Callable[..., Any]:
    """``time.<name>``, not freezegun's fake of it."""
    found: Callable[..., Any] = getattr(time, name)
    api = sys.modules.get("freezegun.api")
    is_fake = getattr(api, f"fake_{name}", None) is found
    behind: Callable[..., Any] = getattr(api, f"real_{name}") if is_fake else found
    return behind
