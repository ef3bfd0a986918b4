"""Matching: which entry a spawn means, or what keeps it from being one."""

from .compare import FIELDS, Asked, Difference, Near, asked_by, differences, first_match, nearest
from .live import LivePatterns

__all__ = [
    "FIELDS",
    "Asked",
    "Difference",
    "LivePatterns",
    "Near",
    "asked_by",
    "differences",
    "first_match",
    "nearest",
]
