"""The pipe by which copies and other interpreters tell what they were refused."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_proctape.intercept import reports


@pytest.fixture(autouse=True)
def _none_is_laid() -> Iterator[None]:
    reports.collect()
    yield
    reports.collect()


def test_two_threads_that_lay_it_at_once_have_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pipe
    others: list[int] = []

    def pipe() -> tuple[int, int]:
        """While one is made, another thread makes one, too."""
        monkeypatch.setattr(os, "pipe", real)
        made = real()
        others.append(reports.writer())
        return made

    monkeypatch.setattr(os, "pipe", pipe)
    before = set(os.listdir("/dev/fd"))
    assert [reports.writer()] == others
    assert len(set(os.listdir("/dev/fd")) - before) == 2
    reports.refused("os.system")
    (told,) = reports.collect()
    assert "os.system" in str(told)
    assert set(os.listdir("/dev/fd")) == before


def test_a_copy_that_has_closed_it_writes_into_nothing_else() -> None:
    writer = reports.writer()
    reader, end = os.pipe()
    try:
        os.dup2(end, writer)
        reports.refused("os.system")
        os.set_blocking(reader, False)
        with pytest.raises(BlockingIOError):
            os.read(reader, 1)
    finally:
        os.close(reader)
        os.close(end)
    assert reports.collect() == []
