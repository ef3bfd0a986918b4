"""Trio's tests of its subprocesses."""

from __future__ import annotations

import importlib

import pytest

pytest_plugins = ["trio._tests.pytest_plugin"]  # runs the coroutines

try:
    module = importlib.import_module("trio._tests.test_subprocess")
except ModuleNotFoundError as error:
    pytest.skip(f"there is no {error.name} here", allow_module_level=True)

# The tests are functions, so all that they need comes along: parameters, helpers, marks.
globals().update({key: value for key, value in vars(module).items() if not key.startswith("__")})
