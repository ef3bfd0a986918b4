"""CPython's tests of os.wait3 and os.wait4."""

from __future__ import annotations

from tests.conformance.suites.borrow import borrow

for name in ("test.test_wait3", "test.test_wait4"):
    globals().update(borrow(name))
