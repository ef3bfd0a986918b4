"""Whether the process is going to remember what a spawn says."""

from __future__ import annotations

import functools

from pytest_proctape.session.memo import is_remembered


@functools.cache
def _cached() -> bool:
    return is_remembered()


@functools.lru_cache(maxsize=3)
def _limited(_key: int) -> bool:
    return _asking()


def _asking() -> bool:
    return is_remembered()


class _Tool:
    @functools.cached_property
    def version(self) -> bool:
        return is_remembered()

    @functools.cache  # noqa: B019 - that is what is asked about
    def answer(self) -> bool:
        return is_remembered()

    @classmethod
    @functools.cache
    def of_all(cls) -> bool:
        return is_remembered()

    @staticmethod
    def plain() -> bool:
        return is_remembered()


_HELD = _Tool()


def test_a_plain_call_is_not_remembered() -> None:
    assert not is_remembered()
    assert not _asking()
    assert not _Tool.plain()


def test_a_cached_function_is() -> None:
    assert _cached()


def test_what_a_cached_function_calls_is() -> None:
    assert _limited(1)


def test_a_function_of_that_name_that_is_not_the_cached_one_is_not() -> None:
    def _cached() -> bool:
        return is_remembered()

    assert not _cached()


def test_a_property_is_where_a_module_holds_the_object() -> None:
    assert _HELD.version
    assert not _Tool().version


def test_a_method_is_where_a_module_holds_the_object() -> None:
    assert _HELD.answer()
    assert not _Tool().answer()


def test_a_method_of_the_class_is() -> None:
    assert _Tool.of_all()
