"""A store that holds one tape, in a file that the user names: what ``use_tape`` loads and saves through."""

from __future__ import annotations

import os
from pathlib import Path

from .store import TapeStore


class SingleStore(TapeStore):
    """The directory of one tape; its payloads are beside it, as in any store."""

    def __init__(self, path: Path) -> None:
        # The user may name any file, be it through symbolic links; from there on nothing leads further.
        self._file = Path(os.path.realpath(path))
        super().__init__(self._file.parent)

    def path_for(self, nodeid: str) -> Path:  # noqa: ARG002 - whoever asks, there is one tape
        """The file."""
        return self._file

    def seems_to_have(self, nodeid: str) -> bool:  # noqa: ARG002 - as for `path_for`
        """Whether something is there."""
        return os.path.lexists(self._file)

    def lacks(self, nodeid: str) -> bool:
        """Whether nothing is there."""
        return not self.seems_to_have(nodeid)

    def has_nothing(self, nodeid: str) -> bool:
        """The same of an attempt as well."""
        return self.lacks(nodeid) and not os.path.lexists(self.attempt_path(nodeid))

    @property
    def own_paths(self) -> list[str]:
        """The file, what stands beside it while it is written, and its payloads."""
        return [str(self._file), str(self.attempt_path("")), str(self.payloads)]
