"""CPython's tests of its command line: commands as users start them, with pipes, input and environments."""

from __future__ import annotations

from tests.conformance.suites.borrow import borrow

globals().update(borrow("test.test_cmd_line"))
