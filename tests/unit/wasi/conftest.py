"""No test of this room may leave a descriptor or a thread behind."""

from tests.unit.left_behind import nothing_left_behind

__all__ = ["nothing_left_behind"]
