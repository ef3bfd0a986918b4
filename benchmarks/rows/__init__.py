"""All rows of the table, in its order."""

from __future__ import annotations

from ..measure import Row
from . import spawns, suites

ROWS: dict[str, Row] = {row.name: row for row in (*spawns.ROWS, *suites.ROWS)}
