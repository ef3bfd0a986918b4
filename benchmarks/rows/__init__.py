"""All rows of the table, in its order."""

from __future__ import annotations

from ..measure import Row
from . import clocks, curves, loads, runs, spawns, streams, suites

ROWS: dict[str, Row] = {
    row.name: row
    for rows in (spawns.ROWS, suites.ROWS, streams.ROWS, loads.ROWS, runs.ROWS, clocks.ROWS, curves.ROWS)
    for row in rows
}
