"""No test of this room may leave a descriptor or the pump's thread behind."""

from tests.unit.left_behind import nothing_left_behind
from tests.unit.pipes import pipe

__all__ = ["nothing_left_behind", "pipe"]
