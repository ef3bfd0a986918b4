"""``python -m pytest_proctape`` is the command ``proctape``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
