"""Entries found in any order: the first recorded first, whatever their number."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_proctape.match import Asked, Index, Terms, differences
from pytest_proctape.tape import Anything, Entry

ANY = Terms(order="any")


def asked(*argv: str, cwd: str | None = None, env: Mapping[str, str] | None = None) -> Asked:
    return Asked(argv[0], argv[1:], None, cwd, env or {})


def entry(*argv: str, **fields: Any) -> Entry:
    return Entry(program=argv[0], args=argv[1:], **fields)


def served(index: Index, *spawns: Asked) -> list[int | None]:
    found = []
    for spawn in spawns:
        at = index.find(spawn)
        if at is not None:
            index.take(at)
        found.append(at)
    return found


def test_the_same_command_is_served_first_recorded_first() -> None:
    index = Index([entry("a"), entry("b"), entry("a")], ANY)
    assert served(index, asked("b"), asked("a"), asked("a"), asked("a")) == [1, 0, 2, None]


def test_looking_consumes_nothing() -> None:
    index = Index([entry("a")], ANY)
    assert [index.find(asked("a")), index.find(asked("a"))] == [0, 0]


def test_the_entry_that_says_most_about_the_spawn_comes_first() -> None:
    entries = [
        Entry(program=Anything(any=True)),
        entry("a"),
        entry("a", cwd="/x"),
        entry("a", cwd="/x", env={"LANG": "C"}),
    ]
    spawn = asked("a", cwd="/x", env={"LANG": "C"})
    assert served(Index(entries, ANY), *[spawn] * 5) == [3, 2, 1, 0, None]
    assert served(Index(entries, ANY), *[asked("a", cwd="/y")] * 3) == [1, 0, None]


def test_a_variable_that_is_not_set_is_null() -> None:
    index = Index([entry("a", env={"X": None})], ANY)
    assert index.find(asked("a", env={"X": "1"})) is None
    assert index.find(asked("a", env={"Y": "1"})) == 0


def test_only_the_fields_that_count_are_looked_at() -> None:
    entries = [entry("a", "x", cwd="/x"), entry("b", "y")]
    by_program = Index(entries, Terms(frozenset({"program"}), "any"))
    assert served(by_program, asked("b", "z"), asked("a", cwd="/q"), asked("a")) == [1, 0, None]
    by_args = Index(entries, Terms(frozenset({"args"}), "any"))
    assert served(by_args, asked("q", "y")) == [1]


def test_a_judge_is_asked_about_each_entry() -> None:
    terms = Terms(order="any", judges=(lambda spawn, one, _: one.note == spawn.program,))
    entries = [entry("a", note="x"), entry("a", note="y")]
    assert served(Index(entries, terms), asked("y"), asked("x"), asked("x")) == [1, 0, None]


commands = st.lists(st.sampled_from("ab"), min_size=1, max_size=2)
tapes = st.lists(st.tuples(commands, st.sampled_from([None, "/x", "/y"])), max_size=8)


@given(tapes, st.randoms(use_true_random=False))
def test_a_tape_serves_its_own_spawns_in_any_order(tape: list[Any], chance: random.Random) -> None:
    entries = [entry(*argv, cwd=cwd) for argv, cwd in tape]
    spawns = [asked(*argv, cwd=cwd) for argv, cwd in tape]
    chance.shuffle(spawns)
    index = Index(entries, ANY)
    for spawn in spawns:
        at = index.find(spawn)
        assert at is not None
        assert differences(spawn, entries[at]) == ()
        index.take(at)


def test_the_number_of_comparisons_does_not_grow_with_the_tape() -> None:
    count = 100_000
    entries = [entry("git", str(number % 1000)) for number in range(count)]
    compared = 0

    class Counting(Terms):
        def differences(self, spawn: Asked, one: Entry) -> Any:
            nonlocal compared
            compared += 1
            return differences(spawn, one)

    index = Index(entries, Counting(order="any"))
    found = served(index, *(asked("git", str(999 - number % 1000)) for number in range(count)))
    assert sorted(one for one in found if one is not None) == list(range(count))
    assert compared == 0
