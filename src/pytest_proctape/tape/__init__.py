"""The tape: its format, its bytes, its files, and what a child of it does.

The rooms above import from here and not from the files behind it. What few runs of tests need is loaded when
it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .codec import dumps, loads
from .content import PAYLOAD_THRESHOLD, Content, decode, decode_argument, encode, encode_argument
from .effect import DEFAULT_MODES, TAPED, FileEffect, effect_of, file_effect_of, with_pid, without_pid
from .model import (
    FORMAT_VERSION,
    Arg,
    Argument,
    Base64,
    Effect,
    Entry,
    Event,
    Payload,
    Recorded,
    SentSignal,
    SpawnError,
    StdinStream,
    Stream,
    Tape,
)
from .names import AMBIENT, CACHED, TOOLS, hashed_tape_path, tape_path
from .patterns import (
    AnyArgs,
    Anything,
    Glob,
    Pattern,
    Regex,
    aligned,
    fits,
    fits_input,
    is_pattern,
    pattern_text,
)
from .pour import Pour, can_pour
from .script import (
    STDERR,
    STDIN,
    STDOUT,
    End,
    Script,
    errno_name,
    errno_number,
    signal_name,
    signal_number,
)
from .scripting import brief_fields_of, fields_of, script_of
from .spawn import Spawn, program_of
from .spool import OVERLAP, Spool
from .store import TapeStore
from .times import ms_from_ns, ns_from_ms, second_of, time_of

if TYPE_CHECKING:
    from .listing import Listing, discard, payload_hash, payloads_of
    from .orphans import orphaned_payloads, orphaned_tapes, remove_orphans
    from .single import SingleStore

_HOMES = {
    "Listing": "listing",
    "SingleStore": "single",
    "discard": "listing",
    "orphaned_payloads": "orphans",
    "orphaned_tapes": "orphans",
    "payload_hash": "listing",
    "payloads_of": "listing",
    "remove_orphans": "orphans",
}

__all__ = [
    "AMBIENT",
    "CACHED",
    "DEFAULT_MODES",
    "FORMAT_VERSION",
    "OVERLAP",
    "PAYLOAD_THRESHOLD",
    "STDERR",
    "STDIN",
    "STDOUT",
    "TAPED",
    "TOOLS",
    "AnyArgs",
    "Anything",
    "Arg",
    "Argument",
    "Base64",
    "Content",
    "Effect",
    "End",
    "Entry",
    "Event",
    "FileEffect",
    "Glob",
    "Listing",
    "Pattern",
    "Payload",
    "Pour",
    "Recorded",
    "Regex",
    "Script",
    "SentSignal",
    "SingleStore",
    "Spawn",
    "SpawnError",
    "Spool",
    "StdinStream",
    "Stream",
    "Tape",
    "TapeStore",
    "aligned",
    "brief_fields_of",
    "can_pour",
    "decode",
    "decode_argument",
    "discard",
    "dumps",
    "effect_of",
    "encode",
    "encode_argument",
    "errno_name",
    "errno_number",
    "fields_of",
    "file_effect_of",
    "fits",
    "fits_input",
    "hashed_tape_path",
    "is_pattern",
    "loads",
    "ms_from_ns",
    "ns_from_ms",
    "orphaned_payloads",
    "orphaned_tapes",
    "pattern_text",
    "payload_hash",
    "payloads_of",
    "program_of",
    "remove_orphans",
    "script_of",
    "second_of",
    "signal_name",
    "signal_number",
    "tape_path",
    "time_of",
    "with_pid",
    "without_pid",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Kept, as pytester forgets modules that were loaded meanwhile, and another load would make other classes.
    found: object = vars(import_module(f".{home}", __name__))[name]
    globals()[name] = found
    return found
