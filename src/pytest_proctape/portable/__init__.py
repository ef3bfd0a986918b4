"""What makes a tape of one machine hold on another, and keeps secrets off it.

:class:`Places` is the door that the sessions use; the other modules are its parts.
"""

from .descriptors import conceal_descriptors
from .drawn import DRAWN
from .holes import Holes
from .machine import NAMES, home, machine_values
from .places import Places
from .rules import Capture, Rules, rules_from
from .secrets import looks_secret
from .shapes import shapes_in
from .tokens import Token

__all__ = [
    "DRAWN",
    "NAMES",
    "Capture",
    "Holes",
    "Places",
    "Rules",
    "Token",
    "conceal_descriptors",
    "home",
    "looks_secret",
    "machine_values",
    "rules_from",
    "shapes_in",
]
