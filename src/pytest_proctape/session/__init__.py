"""Sessions: they decide what becomes of a spawn, own the cursor, and latch what went wrong."""

from .base import Mode, Phase, Session, TapedSpawn
from .children import TapedChild
from .live import LiveSession
from .log import TapeLog
from .places import is_ours, is_stdlib
from .record import Recording, RecordSession, UpdateSession
from .replay import Player, ReplaySession
from .verify import VerifySession

__all__ = [
    "LiveSession",
    "Mode",
    "Phase",
    "Player",
    "RecordSession",
    "Recording",
    "ReplaySession",
    "Session",
    "TapeLog",
    "TapedChild",
    "TapedSpawn",
    "UpdateSession",
    "VerifySession",
    "is_ours",
    "is_stdlib",
]
