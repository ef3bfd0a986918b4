"""CPython's tests of the os module."""

from __future__ import annotations

import pytest

from tests.conformance.suites.borrow import borrow

# Those of os.spawn* draw a word, write it into the script that they run, and hand it over in the environment.
pytestmark = pytest.mark.tape(match_on=["program", "args", "cwd", "env", "stdin"])
globals().update(borrow("test.test_os"))
