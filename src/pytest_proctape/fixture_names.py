"""What the tape of a fixture of wider scope is named by. The plugin asks when the fixture is set up."""

from __future__ import annotations

from typing import Any

import pytest


def owner_of(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> str:
    """The name: where the fixture is set up, what it is called, its parameter."""
    place = request.node.nodeid
    if len(fixturedef.baseid) > len(place):
        place = fixturedef.baseid
    if "::" not in place and not place.endswith(".py"):
        place = f"{place}/conftest.py" if place else "conftest.py"
    name = f"@{fixturedef.argname}"
    if fixturedef.params is not None:
        value = request.param
        plain = value is None or isinstance(value, str | int | float | bool)
        name += f"[{value if plain else request.param_index}]"  # type: ignore[attr-defined]
    same_name = request._arg2fixturedefs.get(fixturedef.argname) or [fixturedef]
    if same_name[-1] is not fixturedef:
        # Another of its name is nearer to the test, and may ask for this one.
        name += f"@{fixturedef.baseid}"
    return f"{place}::{name}"
