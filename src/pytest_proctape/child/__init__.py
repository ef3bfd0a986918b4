"""Children: the process table, the virtual child that plays an entry, the recording child that notes one."""

from .brief import BriefChild
from .causes import Stalled, WrongCause
from .console import CONSOLES
from .ears import Ear, Ends
from .ended import EndedChild, are_writable, own_pipes, say
from .family import process_of, processes
from .fed import FedChild
from .forks import FORKS, Copy, Fork, status_told
from .guardian import GUARDIAN
from .heard import LITTLE, HeardChild
from .kin import KIN, Mark
from .loose import loosened
from .memory import Memory, Said, Streams
from .pump import PUMP
from .recording import RecordingChild
from .stall import only_waits
from .statuses import status_of
from .table import FIRST_PID, TABLE, Child, ProcessTable, add_ended, finished_child
from .terminal import size_at_start
from .virtual import VirtualChild, patience_ns
from .warden import Broken, Warden, end_at_once, end_with_family
from .wiring import Started, Wiring, can_be_led_past, is_open, is_pipe, is_regular, moved, ready

__all__ = [
    "CONSOLES",
    "FIRST_PID",
    "FORKS",
    "GUARDIAN",
    "KIN",
    "LITTLE",
    "PUMP",
    "TABLE",
    "BriefChild",
    "Broken",
    "Child",
    "Copy",
    "Ear",
    "EndedChild",
    "Ends",
    "FedChild",
    "Fork",
    "HeardChild",
    "Mark",
    "Memory",
    "ProcessTable",
    "RecordingChild",
    "Said",
    "Stalled",
    "Started",
    "Streams",
    "VirtualChild",
    "Warden",
    "Wiring",
    "WrongCause",
    "add_ended",
    "are_writable",
    "can_be_led_past",
    "end_at_once",
    "end_with_family",
    "finished_child",
    "is_open",
    "is_pipe",
    "is_regular",
    "loosened",
    "moved",
    "only_waits",
    "own_pipes",
    "patience_ns",
    "process_of",
    "processes",
    "ready",
    "say",
    "size_at_start",
    "status_of",
    "status_told",
]
