"""What holds for every test of the suite."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.leftovers import (
    differences,
    end_children,
    of_the_package,
    of_the_process,
    put_package_back,
    put_process_back,
    real_children,
)

try:
    from hypothesis import HealthCheck, settings
except ImportError:
    # A part of the suite is run where it is not installed.
    pass
else:
    # A busy machine misses any limit of time, and what is found by chance is found by the long form.
    settings.register_profile(
        "suite",
        deadline=None,
        derandomize=not os.environ.get("PROCTAPE_FUZZ"),
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("suite")


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """No test may leave the process in another state than it found it, or else it alone fails."""
    package, process, children = of_the_package(), of_the_process(), real_children()
    yield
    changed = differences({**package, **process}, {**of_the_package(), **of_the_process()})
    if changed:
        put_package_back(package)
        put_process_back(process)
        end_children(children)
    assert changed == {}
