"""CPython's tests of the os module."""

from __future__ import annotations

from tests.conformance.suites.borrow import borrow

globals().update(borrow("test.test_os"))
