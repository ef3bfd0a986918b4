"""The tape: its format, its bytes, its files, and what a child of it does.

The rooms above import from here and not from the files behind it.
"""

from __future__ import annotations

from .codec import dumps, loads, ms_from_ns, ns_from_ms
from .content import PAYLOAD_THRESHOLD, Content, decode, decode_argument, encode, encode_argument
from .listing import Listing, discard, payload_hash, payloads_of
from .model import (
    FORMAT_VERSION,
    Anything,
    Argument,
    Base64,
    Entry,
    Event,
    Payload,
    Phase,
    Recorded,
    SpawnError,
    Stream,
    StreamName,
    Tape,
)
from .names import AMBIENT, CACHED, hashed_tape_path, tape_path
from .orphans import orphaned_payloads, orphaned_tapes, remove_orphans
from .script import (
    STDERR,
    STDIN,
    STDOUT,
    End,
    Script,
    errno_name,
    errno_number,
    fields_of,
    script_of,
    signal_name,
    signal_number,
)
from .spawn import Spawn, program_of
from .spool import Spool
from .store import TapeStore

__all__ = [
    "AMBIENT",
    "CACHED",
    "FORMAT_VERSION",
    "PAYLOAD_THRESHOLD",
    "STDERR",
    "STDIN",
    "STDOUT",
    "Anything",
    "Argument",
    "Base64",
    "Content",
    "End",
    "Entry",
    "Event",
    "Listing",
    "Payload",
    "Phase",
    "Recorded",
    "Script",
    "Spawn",
    "SpawnError",
    "Spool",
    "Stream",
    "StreamName",
    "Tape",
    "TapeStore",
    "decode",
    "decode_argument",
    "discard",
    "dumps",
    "encode",
    "encode_argument",
    "errno_name",
    "errno_number",
    "fields_of",
    "hashed_tape_path",
    "loads",
    "ms_from_ns",
    "ns_from_ms",
    "orphaned_payloads",
    "orphaned_tapes",
    "payload_hash",
    "payloads_of",
    "program_of",
    "remove_orphans",
    "script_of",
    "signal_name",
    "signal_number",
    "tape_path",
]
