"""An entry's outputs against the descriptors that the spawn gives them."""

from __future__ import annotations

from ..child import Wiring, can_be_led_past, is_open, size_at_start
from ..match import Difference
from ..tape import STDERR, STDOUT, Script


def mapped(script: Script, wiring: Wiring) -> Wiring:
    """Pipes beyond stderr by their order: what number each has depends on what else is open."""
    if max(script.captured, default=0) <= STDERR and max(wiring.outputs, default=0) <= STDERR:
        return wiring
    recorded = sorted(fd for fd in script.captured if fd > STDERR)
    present = sorted(fd for fd in wiring.outputs if fd > STDERR)
    if recorded == present or len(recorded) != len(present):
        return wiring
    outputs = {fd: given for fd, given in wiring.outputs.items() if fd <= STDERR}
    outputs |= {old: wiring.outputs[new] for old, new in zip(recorded, present, strict=True)}
    return wiring.but(outputs=outputs)


def stream_differences(script: Script, wiring: Wiring) -> list[Difference]:
    """Where the test looks at an output that was not kept, or gives a terminal of another size."""
    found = []
    together = wiring.outputs.get(STDERR) == wiring.outputs.get(STDOUT) is not None
    for fd, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
        kept = fd in script.captured or (fd == STDERR and script.merged)
        if not kept and not _discards(wiring, fd):
            found.append(Difference(name, "(discarded)", "(looked at)"))
    if script.merged and not together and not (_discards(wiring, STDERR) and _discards(wiring, STDOUT)):
        found.append(Difference("stderr", "(sent to stdout)", "(apart)"))
    if together and not script.merged and script.stream(STDOUT) and script.stream(STDERR):
        found.append(Difference("stderr", "(apart)", "(sent to stdout)"))
    if script.terminal is not None:
        # What a child says depends on it; without one the streams differ already.
        size = size_at_start(wiring)
        if size is not None and size != script.terminal:
            found.append(Difference("terminal", script.terminal or "(no size)", size or "(no size)"))
    return found


def _discards(wiring: Wiring, fd: int) -> bool:
    """Whether nobody sees what the child writes to ``fd``."""
    parents = wiring.outputs.get(fd)
    return parents is None or not is_open(parents) or not can_be_led_past(parents)
