"""The fixtures; :mod:`.plugin` has them among its names, where pytest finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .errors import UsageError
from .kept import ENCLOSING, TAPE

if TYPE_CHECKING:
    from .clock import TapeClock
    from .handle import TapeHandle
    from .tape_config import TapeConfig


@pytest.fixture
def tape(request: pytest.FixtureRequest) -> TapeHandle:
    """The tape of this test: its processes are replayed from it, or recorded onto it.

    Gives a ``pytest_proctape.TapeHandle`` with ``mode``, ``path``, ``entries`` and ``spawns``.
    """
    active = request.node.stash.get(TAPE, None)
    if active is None:
        request.config.stash[ENCLOSING].expect()
        raise UsageError(
            f"{request.node.nodeid} asks for the fixture `tape` while it runs, when processes could have "
            "been started already: name `tape` among its arguments, or mark it with @pytest.mark.tape"
        )
    handle: TapeHandle = active.handle
    return handle


@pytest.fixture
def tape_clock(request: pytest.FixtureRequest, tape: TapeHandle) -> TapeClock:  # noqa: ARG001 - it is taped
    """A frozen clock that starts where the recording did, and moves by what the test waits for.

    ``time`` and ``datetime`` show it. Waiting for a replayed command, ``time.sleep``, timers of threads and
    event loops take no time but move it. Gives a ``pytest_proctape.TapeClock`` with ``now``,
    ``advance(seconds)`` and ``sleeps``.
    """
    clock: TapeClock | None = request.node.stash[TAPE].clock
    if clock is None:
        request.config.stash[ENCLOSING].expect()
        raise UsageError(
            f"{request.node.nodeid} asks for the fixture `tape_clock` while it runs, when it may have looked "
            "at the time already: name `tape_clock` among its arguments, or mark it with "
            "@pytest.mark.tape(clock=True)"
        )
    return clock


@pytest.fixture(scope="session")
def tape_config() -> TapeConfig:
    """Settings of the taped tests of a directory; define it in a conftest.py to give them.

    Gives a dict of what ``@pytest.mark.tape`` takes, as in ``return {"mode": "live"}``. The nearest
    definition counts; the marker and the command line win over it, and it wins over the ini file. It may be
    of any scope and is asked for before all other fixtures. What it starts is on a tape of its own, as for
    any fixture of wider scope.
    """
    return {}
