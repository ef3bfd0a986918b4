"""What a tape does to the time around a test, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytest_proctape import intercept
from pytest_proctape.clock import CLOCK, TapeClock
from pytest_proctape.intercept.substitution import Substitution
from pytest_proctape.undo import Undo


@contextmanager
def used() -> Iterator[None]:
    """Waits are told the mock clock."""
    who = object()
    CLOCK.use_for(who)
    try:
        yield
    finally:
        CLOCK.used_no_more(who)


@contextmanager
def waits_told() -> Iterator[None]:
    """The functions that wait ask the mock clock, should there be one."""
    who = object()
    try:
        intercept.tell_waits(who)
        yield
    finally:
        intercept.tell_waits_no_more(who)


@contextmanager
def frozen(clock: TapeClock) -> Iterator[None]:
    """:mod:`time` and :mod:`datetime` show ``clock``."""
    undo = Undo()
    try:
        intercept.freeze(clock, undo)
        yield
    finally:
        undo.close()


@contextmanager
def in_place(substitution: Substitution) -> Iterator[None]:
    """Every module has the stand-ins."""
    undo = Undo()
    try:
        substitution.put(undo)
        yield
    finally:
        undo.close()
