"""The door: an OS call in, a spawn out, a child's answer back; installs and removes the patches."""

from . import guard
from .clocked import freeze, notice, tell_waits, tell_waits_no_more
from .door import Block, Bound, bound, current, take_outside
from .handlers import Handler, Hearer, Launch, MemoryReplayer, Recorder, Replayer, Signaller
from .patches import forget, install, settle, uninstall

__all__ = [
    "Block",
    "Bound",
    "Handler",
    "Hearer",
    "Launch",
    "MemoryReplayer",
    "Recorder",
    "Replayer",
    "Signaller",
    "bound",
    "current",
    "forget",
    "freeze",
    "guard",
    "install",
    "notice",
    "settle",
    "take_outside",
    "tell_waits",
    "tell_waits_no_more",
    "uninstall",
]
