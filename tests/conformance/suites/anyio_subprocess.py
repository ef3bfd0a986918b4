"""anyio's tests of its subprocesses, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import types
from typing import Any

import pytest

from tests.conformance.sources import anyio_tests, why_not

anyio = pytest.importorskip("anyio")
pytest_plugins = ["anyio.pytest_plugin"]  # runs the coroutines
pytestmark = pytest.mark.anyio

path = anyio_tests()
if path is None:
    pytest.skip(why_not(), allow_module_level=True)
if importlib.util.find_spec("pytest_mock") is None:
    # One test wants it, and starts nothing. The name is all that the module needs.
    plugin: Any = types.ModuleType("pytest_mock.plugin")
    plugin.MockerFixture = object
    sys.modules["pytest_mock"] = types.ModuleType("pytest_mock")
    sys.modules["pytest_mock.plugin"] = plugin
spec = importlib.util.spec_from_file_location("anyio_test_subprocesses", path)
assert spec is not None
assert spec.loader is not None
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
# The tests are functions, so all that they need comes along: parameters, helpers, marks.
globals().update({key: value for key, value in vars(module).items() if not key.startswith("__")})
globals().pop("test_arguments_passed_through")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both, whatever the suite's own conftest has beside them."""
    backend: str = request.param
    pytest.importorskip(backend)
    return backend


@pytest.fixture
async def event_loop_implementation_name() -> str | None:
    """The suite asks for it to leave out what other loops can't do."""
    try:
        return asyncio.get_running_loop().__module__
    except RuntimeError:
        return "trio"
