"""``proctape schema``: print the JSON Schema of tapes, for editors and validators.

It is the file tape/schema.json of the package. What it can't say (that an entry has one end, say) is what
`proctape check` adds.
"""

from __future__ import annotations

import argparse
import json

from ..tape.schema import SCHEMA_FILE
from .screen import FINE, Screen


def add(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own; it is JSON with --json and without."""


def run(_: argparse.Namespace, screen: Screen) -> int:
    """Print."""
    screen.json(json.loads(SCHEMA_FILE.read_bytes()))
    return FINE
