"""What the built-in placeholders stand for on this machine."""

from __future__ import annotations

import pwd
import socket
import sys
import tempfile
from types import SimpleNamespace

import pytest

from pytest_proctape.portable import NAMES, machine_values


def test_every_value_has_a_name_that_can_stand_on_a_tape(monkeypatch: pytest.MonkeyPatch) -> None:
    # In some containers the user has neither.
    user = SimpleNamespace(pw_name="somebody", pw_dir="/home/somebody")
    monkeypatch.setattr(pwd, "getpwuid", lambda _: user)
    monkeypatch.delenv("HOME", raising=False)
    values = machine_values("/r", "/elsewhere")
    assert set(values) <= set(NAMES)
    assert values["root"] == "/r"
    assert values["cwd"] == "/elsewhere"
    assert values["python"] == sys.executable
    assert values["venv"] == sys.prefix
    assert values["home"] == "/home/somebody"
    assert values["tempdir"] == tempfile.gettempdir()
    assert values["user-name"] == "somebody"
    assert values["host-name"] == socket.gethostname()


def test_the_working_directory_has_a_name_only_outside_of_the_root() -> None:
    assert "cwd" not in machine_values("/r", "/r/sub")


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(number: int) -> object:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setenv("USER", "somebody")
    monkeypatch.delenv("HOME", raising=False)
    assert machine_values("/r", "/r")["user-name"] == "somebody"
    monkeypatch.delenv("USER")
    values = machine_values("/r", "/r")
    assert "user-name" not in values
    assert "home" not in values
    monkeypatch.setenv("HOME", "/home/given")
    assert machine_values("/r", "/r")["home"] == "/home/given"
