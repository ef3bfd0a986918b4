"""The cursor: what may come next, and what has been consumed."""

from __future__ import annotations

from pytest_proctape.match import Asked, Terms
from pytest_proctape.session.cursor import AnyCursor, Cursor
from pytest_proctape.tape import Entry

ENTRIES = tuple(Entry(program=name) for name in "abab")


def asked(name: str) -> Asked:
    return Asked(name, (), None, None)


def test_in_strict_order_only_the_next_entry_will_do() -> None:
    cursor = Cursor(ENTRIES, Terms())
    assert cursor.find(asked("b")) is None
    assert cursor.find(asked("a")) == 0
    cursor.take(0)
    assert [cursor.find(asked(name)) for name in "ab"] == [None, 1]
    assert list(cursor.left()) == [1, 2, 3]
    assert [cursor.consumed(index) for index in range(4)] == [True, False, False, False]


def test_looking_moves_nothing() -> None:
    cursor = Cursor(ENTRIES, Terms())
    assert [cursor.find(asked("a")), cursor.find(asked("a")), cursor.at] == [0, 0, 0]


def test_an_entry_may_be_passed_over_where_order_is_not_strict() -> None:
    cursor = Cursor(ENTRIES, Terms(), strict=False)
    assert cursor.find(asked("b")) == 1
    cursor.take(1)
    assert cursor.consumed(0)
    assert list(cursor.left()) == [2, 3]


def test_in_any_order_each_entry_is_consumed_once() -> None:
    cursor = AnyCursor(ENTRIES, Terms(order="any"))
    for name, index in (("b", 1), ("b", 3), ("a", 0)):
        assert cursor.find(asked(name)) == index
        cursor.take(index)
    assert cursor.find(asked("b")) is None
    assert list(cursor.left()) == [2]
    assert cursor.at == 2
    assert [cursor.consumed(index) for index in range(4)] == [True, True, False, True]


def test_on_new_terms_what_has_been_consumed_stays_so() -> None:
    cursor = AnyCursor(ENTRIES, Terms(order="any"))
    cursor.take(0)
    cursor.renew(Terms(order="any", judges=(lambda *_: True,)))
    assert cursor.find(asked("whatever")) == 1
    cursor.take(1)
    assert list(cursor.left()) == [2, 3]


def test_there_may_be_no_entries() -> None:
    for cursor in (Cursor((), Terms()), AnyCursor((), Terms(order="any"))):
        assert cursor.find(asked("a")) is None
        assert list(cursor.left()) == []


_WORDS = (
    Entry(program="a", args=("x",)),
    Entry(program="a", args=("x",), cwd="<tmp>/here"),
    Entry(program="a", args=("x",), env={"A": "1"}),
)


def test_words_are_found_where_nothing_else_has_to_be_looked_at() -> None:
    cursor = Cursor(_WORDS, Terms())
    assert cursor.find_words("a", ("x",), lambda: None) == 0
    assert cursor.find_words("a", ("y",), lambda: None) is None
    cursor.take(0)
    assert cursor.find_words("a", ("x",), lambda: None) is None
    assert cursor.find_words("a", ("x",), lambda: "<tmp>/here") == 1
    cursor.take(1)
    # What the environment says is for find.
    assert cursor.find_words("a", ("x",), lambda: None) is None
    cursor.take(2)
    assert cursor.find_words("a", ("x",), lambda: None) is None


def test_words_are_left_to_find_where_order_is_not_strict() -> None:
    assert Cursor(_WORDS, Terms(), strict=False).find_words("a", ("x",), lambda: None) is None


def test_words_are_found_in_any_order() -> None:
    cursor = AnyCursor(_WORDS[:2], Terms(order="any"))
    assert cursor.find_words("a", ("x",), lambda: "<tmp>/here") == 1
    cursor.take(1)
    assert cursor.find_words("a", ("x",), lambda: "<tmp>/here") == 0
    cursor.take(0)
    assert cursor.find_words("a", ("x",), lambda: "<tmp>/here") is None
    # An entry that names variables is preferred to one that does not.
    assert AnyCursor(_WORDS, Terms(order="any")).find_words("a", ("x",), lambda: None) is None
