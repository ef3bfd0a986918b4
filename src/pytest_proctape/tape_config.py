"""What may be asked for of one test, as a type for editors and checkers; :mod:`.settings` checks it.

A file of its own, since to make the type takes longer than all the settings, and pytest starts without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from .keys import Mode, Order


class TapeConfig(TypedDict, total=False):
    """What the marker, the fixture ``tape_config`` and ``use_tape`` take; ``None`` says nothing.

    Attributes:
        mode: what happens to the spawns: ``replay``, ``record``, ``missing``, ``new`` or ``live``.
        order: ``strict``: spawns come in the order of the tape; ``any``: in whatever order.
        match_on: what of a spawn is held against the tape, some of :data:`~.keys.MATCH_ON`.
        clock: time stands where the recording began, and moves by what is waited for.
        live: patterns of commands that are never taped.
        effects: files that commands make are recorded: true, or where besides the temporary directories.
        spawn_timeout: seconds that a command may run while it is recorded; 0 for no limit.
        test_timeout: seconds that the commands of a test may run while they are recorded; 0 for no limit.
        max_output: bytes that a command may write to one output while it is recorded.
        max_children: how many commands of a test may run at once while they are recorded.
        kill_leaked: commands that still run when their test ends are ended.
    """

    mode: Mode | None
    order: Order | None
    match_on: Sequence[str] | str | None
    clock: bool | None
    live: Sequence[str] | None
    effects: bool | Sequence[str] | None
    spawn_timeout: float | None
    test_timeout: float | None
    max_output: int | str | None
    max_children: int | None
    kill_leaked: bool | None
