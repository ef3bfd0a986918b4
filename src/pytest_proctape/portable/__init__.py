"""What makes a tape of one machine hold on another."""

from .places import NAMES, Places

__all__ = ["NAMES", "Places"]
