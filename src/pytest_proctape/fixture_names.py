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
    told = []
    if fixturedef.params is not None:
        told = [_told(request.param, request.param_index)]  # type: ignore[attr-defined]
    told += _params_below(fixturedef, request)
    if told:
        name += f"[{'-'.join(told)}]"
    same_name = request._arg2fixturedefs.get(fixturedef.argname) or [fixturedef]
    if same_name[-1] is not fixturedef:
        # Another of its name is nearer to the test, and may ask for this one.
        name += f"@{fixturedef.baseid}"
    return f"{place}::{name}"


def _told(value: object, index: int) -> str:
    plain = value is None or isinstance(value, str | int | float | bool)
    return str(value if plain else index)


def _params_below(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> list[str]:
    """The parameters of fixtures that this one asks for: it is set up anew for each of them."""
    call = getattr(request._pyfuncitem, "callspec", None)
    if call is None:
        return []
    names: list[str] = []
    waiting = list(fixturedef.argnames)
    while waiting:
        name = waiting.pop(0)
        if name not in names and name != fixturedef.argname:
            names.append(name)
            waiting += [
                one for found in request._arg2fixturedefs.get(name, ())[-1:] for one in found.argnames
            ]
    return [_told(call.params[name], call.indices[name]) for name in names if name in call.params]
