"""CPython's tests of asyncio's subprocesses."""

from __future__ import annotations

from tests.conformance.suites.borrow import borrow

globals().update(borrow("test.test_asyncio.test_subprocess"))
