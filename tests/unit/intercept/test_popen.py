"""Where a ``Popen`` is spared something; tests/parity/test_at_once.py has what it is spared."""

from __future__ import annotations

import subprocess
from unittest import mock

import pytest

from pytest_proctape import intercept
from pytest_proctape.intercept import popen, short, ways


def test_it_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(popen.replacements()) == 1
    monkeypatch.setattr(popen, "OPEN", False)
    assert popen.replacements() == []


def test_another_cpython_is_asked_all(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(popen, "_PARAMETERS", popen._PARAMETERS + " more")
        assert popen.replacements() == []
    monkeypatch.setattr(ways, "_VERSIONS", ())
    assert popen.replacements() == []


def test_what_somebody_else_has_replaced_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess.Popen, "_execute_child", print)
    monkeypatch.setattr(subprocess, "run", print)
    assert popen.replacements() == []
    intercept.install()
    try:
        assert vars(subprocess)["run"] is print
        assert subprocess.call is short.call
        assert not ways.are_intact()
    finally:
        intercept.uninstall()
    assert vars(subprocess)["run"] is print


def test_what_was_put_away_is_in_place_for_the_next_test(monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", print)
    intercept.install()
    try:
        monkeypatch.undo()
        intercept.settle()
        assert subprocess.run is short.run
        assert ways.are_intact()
        subprocess.run = real
        intercept.settle()
        assert subprocess.run is short.run
    finally:
        intercept.uninstall()
    assert subprocess.run is real


def test_a_mock_outlives_the_stand_in_below_it() -> None:
    real = subprocess.run
    intercept.install()
    assert subprocess.run is short.run
    with mock.patch.object(subprocess, "run") as fake:
        intercept.uninstall()
        assert subprocess.run is fake
    # It puts back what it has found, which asks nobody any more.
    assert subprocess.run([b"true"]).returncode == 0
    subprocess.run = real


def test_names_mean_nothing_before_they_are_remembered() -> None:
    assert not ways.are_intact()
    assert not ways.to_start()
    intercept.install()
    try:
        assert ways.are_intact()
        assert ways.to_start()
    finally:
        intercept.uninstall()
