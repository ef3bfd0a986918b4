"""Matching: which entry a spawn means, or what keeps it from being one."""

from .compare import (
    FIELDS,
    Asked,
    Difference,
    Near,
    asked_by,
    differences,
    first_match,
    has_patterns,
    nearest,
    says_places,
)
from .index import Index
from .terms import Judge, Terms, checked

__all__ = [
    "FIELDS",
    "Asked",
    "Difference",
    "Index",
    "Judge",
    "Near",
    "Terms",
    "asked_by",
    "checked",
    "differences",
    "first_match",
    "has_patterns",
    "nearest",
    "says_places",
]
