"""The owner of a test's tape is its node id, without secrets, however many tests there are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_proctape.owners import Owners
from pytest_proctape.portable import Places, rules_from

_SECRET = "hunter2-hunter2"


def _items(*nodeids: str) -> list[pytest.Item]:
    session = SimpleNamespace()
    session.items = [SimpleNamespace(nodeid=one, session=session) for one in nodeids]
    return cast(list[pytest.Item], session.items)


def _places(**asked: Any) -> Places:
    places = Places(rules=rules_from((), asked.get("redact", ()), (), source="the test"))
    places.secrets.learn({"API_TOKEN": _SECRET})
    return places


def test_an_owner_is_the_node_id_without_secrets() -> None:
    plain = [f"tests/test_it.py::test_it[{number}]" for number in range(250)]
    secret = f"tests/test_it.py::test_it[{_SECRET}]"
    items = _items(*plain, secret)
    places = _places()
    owners = Owners(places)
    assert [owners.of(one) for one in items] == [*plain, places.redact_text(secret)]
    assert _SECRET not in owners.of(items[-1])


def test_a_pattern_may_ask_for_the_beginning() -> None:
    items = _items("tests/a.py::test_it", "secret/b.py::test_it")
    places = _places(redact=["^secret"])
    owners = Owners(places)
    assert [owners.of(one) for one in items] == [places.redact_text(one.nodeid) for one in items]
    assert owners.of(items[1]) != items[1].nodeid


def test_tests_that_come_later_are_looked_through_as_well() -> None:
    items = _items("tests/test_it.py::test_it")
    owners = Owners(_places())
    assert owners.of(items[0]) == "tests/test_it.py::test_it"
    late = cast(Any, items[0]).session
    late.items.append(SimpleNamespace(nodeid=f"tests/test_it.py::test_it[{_SECRET}]", session=late))
    assert _SECRET not in owners.of(late.items[-1])


def test_texts_are_looked_through_together() -> None:
    items = _items(*(f"tests/test_it.py::test_{number}" for number in range(1000)))
    places = _places()
    looks = 0
    real = places.secrets.are_in

    def counting(data: bytes) -> bool:
        nonlocal looks
        looks += 1
        return real(data)

    places.secrets.are_in = counting  # type: ignore[method-assign]
    owners = Owners(places)
    assert [owners.of(one) for one in items] == [one.nodeid for one in items]
    assert looks == 10
