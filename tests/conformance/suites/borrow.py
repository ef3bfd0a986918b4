"""Takes the test cases out of a module that we did not write, without copying any of it."""

from __future__ import annotations

import importlib
import unittest
from typing import Any

import pytest

from tests.conformance import sources


def borrow(name: str) -> dict[str, Any]:
    """The ``TestCase`` classes of module ``name`` and its set-up, for a shim's ``globals()``.

    Skips the shim where the module does not exist: some distributions leave the ``test`` package out.
    """
    name = sources.place_of(name)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        pytest.skip(f"this interpreter comes without {error.name}", allow_module_level=True)
    except unittest.SkipTest as reason:
        pytest.skip(f"{name}: {reason}", allow_module_level=True)
    return {key: value for key, value in vars(module).items() if key in _SETUP or _is_case(value, name)}


_SETUP = ("setUpModule", "tearDownModule")


def _is_case(value: object, module: str) -> bool:
    """Whether a test case was made in ``module``, and not only imported there."""
    return isinstance(value, type) and issubclass(value, unittest.TestCase) and value.__module__ == module
