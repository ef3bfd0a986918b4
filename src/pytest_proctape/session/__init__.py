"""Sessions: they decide what becomes of a spawn, own the cursor, and latch what went wrong."""

from .base import Mode, Phase, Session
from .brief import as_data, brief
from .children import TapedChild, TapedSpawn
from .collecting import Collecting, CollectingRecord, CollectingReplay
from .commons import Commons, SharedMode, WayIn
from .files import FileRules, Files
from .live import LiveSession
from .log import TapeLog
from .origin import IMPORT
from .places import is_ours, is_stdlib
from .player import Player
from .record import Recording
from .recorders import RecordSession, UpdateSession
from .replay import ReplaySession
from .report import shorten, visible
from .said import said_of
from .tools import Tools
from .verify import VerifySession
from .virtual import toolchain_of

__all__ = [
    "IMPORT",
    "Collecting",
    "CollectingRecord",
    "CollectingReplay",
    "Commons",
    "FileRules",
    "Files",
    "LiveSession",
    "Mode",
    "Phase",
    "Player",
    "RecordSession",
    "Recording",
    "ReplaySession",
    "Session",
    "SharedMode",
    "TapeLog",
    "TapedChild",
    "TapedSpawn",
    "Tools",
    "UpdateSession",
    "VerifySession",
    "WayIn",
    "as_data",
    "brief",
    "is_ours",
    "is_stdlib",
    "said_of",
    "shorten",
    "toolchain_of",
    "visible",
]
