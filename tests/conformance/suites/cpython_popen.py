"""CPython's tests of os.popen."""

from __future__ import annotations

from tests.conformance.suites.borrow import borrow

globals().update(borrow("test.test_popen"))
