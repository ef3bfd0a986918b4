"""What puts back what was changed, be the changing or the putting back interrupted: Ctrl-C comes anywhere.

:mod:`.active` has one for each tape, and the intercept room one for all that it puts in place. What is
registered is so before the change that it takes back. It does nothing where there was no change, and may be
called twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial


class Undo:
    """Calls what was registered, the last one first. One that fails does not keep the others."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left: list[Callable[[], object]] = []

    def __bool__(self) -> bool:
        """Whether anything is to be put back."""
        return bool(self._left)

    def callback(self, function: Callable[..., object], /, *arguments: object) -> None:
        """Call ``function`` in the end. Register it before what it takes back is done."""
        self._left.append(partial(function, *arguments))

    def close(self) -> None:
        """Put everything back.

        Raises:
            BaseException: the first thing that went wrong, when all is done. What was interrupted is
                called once more.
        """
        errors: list[BaseException] = []
        while self._left:
            undo = self._left[-1]
            try:
                undo()
            except BaseException as error:
                errors.append(error)
                _once_more(undo, errors)
            # Last: who is interrupted before finds it here again.
            if self._left and self._left[-1] is undo:
                self._left.pop()
        if errors:
            raise errors[0]


def _once_more(undo: Callable[[], object], errors: list[BaseException]) -> None:
    try:
        undo()
    except BaseException as error:
        errors.append(error)


def to_its_end(do: Callable[[], object]) -> None:
    """Call ``do``, and where it is interrupted once more: it goes on with what is left.

    Raises:
        BaseException: what it raised first.
    """
    try:
        do()
    except BaseException:
        do()
        raise
