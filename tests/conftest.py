"""What holds for every test of the suite."""

from __future__ import annotations

import os

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
