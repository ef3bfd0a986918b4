"""The files of a tape's commands: how a session watches them, keeps them, and puts them back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .. import effects
from ..cwd import working_directory
from ..errors import EffectsLimitExceeded, ProctapeError, TapeCorrupt
from ..frozen import Value
from ..match import Difference
from ..portable import Places
from ..settings import Settings
from ..tape import (
    Content,
    Effect,
    FileEffect,
    Payload,
    Spool,
    Stream,
    Tape,
    TapeStore,
    effect_of,
    file_effect_of,
    payloads_of,
)
from .crossing import SCAN_LIMIT
from .made import find

SHARED = "other commands ran at the same time; some of these effects may be theirs"
IN_THE_WAY = "a file is in the way of one that a command had made"
REFUSED = "a file that a command had made could not be put in its place"

Tell = Callable[[str, Difference], ProctapeError]
"""Makes the error for a headline and what differs."""


class FileRules(Value):
    """What the user wants of files that commands make.

    Attributes:
        on: they are recorded.
        limit: bytes that a tape may keep of them.
        wanted: the paths and globs that are watched beside the temporary directories.
        text: patterns of names or paths; in such files, where they are text, placeholders hold.
    """

    on: bool = False
    limit: int = 64 << 20
    text: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()


class Files:
    """What one session has to do with files.

    Attributes:
        roots: the watched directories; may grow.
        rules: what the user wants.
        made: directories and files of :mod:`tempfile` that the test has made, and those around it.
    """

    def __init__(self, store: TapeStore, places: Places, roots: effects.Roots, rules: FileRules) -> None:
        self.roots = roots
        self.rules = rules
        self.made: list[str] = []
        self._store = store
        self._places = places
        self._text = [re.compile(rf"(?:.*/)?{effects.glob_regex(one)}\Z", re.DOTALL) for one in rules.text]
        self._taped: dict[str, Content] = {}
        self._unwritten: dict[str, Content] = {}
        self._put = False

    @classmethod
    def by_settings(
        cls, store: TapeStore, places: Places, settings: Settings, around: Iterable[Files] = ()
    ) -> Files:
        """For a tape that is about to be used.

        Args:
            store: where the tape is.
            places: the values of placeholders.
            settings: what the user wants; its paths are relative to the working directory.
            around: those of tapes whose directories are this one's, too.
        """
        roots = effects.Roots(ignore=settings.effects_ignore, never=store.own_paths)
        made: list[str] = []
        for other in around:
            other.roots.copy_to(roots)
            made += other.made
        wanted = settings.effects
        chosen = () if isinstance(wanted, bool) else tuple(wanted)
        for place in chosen:
            roots.choose(place, working_directory())
        rules = FileRules(bool(wanted), settings.effects_limit, settings.effects_text, chosen)
        files = cls(store, places, roots, rules)
        files.made = made
        return files

    def add_made(self, path: str, is_file: bool) -> None:
        """A directory or a file of :mod:`tempfile` is made: commands may write there, if it is temporary."""
        if self._places.is_temporary(path):
            if is_file:
                self.roots.add_near(path)
            else:
                self.roots.add(path)
            self.made.append(path)

    # -- recording -----------------------------------------------------------------------------

    def watch(
        self, new_spool: Callable[[], Spool], on_limit: Callable[[EffectsLimitExceeded], object]
    ) -> effects.Watch:
        """A watch of the directories; see :class:`~..effects.Watch`."""
        return effects.Watch(
            self.roots,
            new_spool=new_spool,
            conceal=self._places.conceal,
            limit=self.rules.limit,
            on_limit=on_limit,
        )

    def encode(self, file: FileEffect, began_ns: int) -> Effect:
        """The form of an effect on the tape."""
        return effect_of(self._portable(file), began_ns, self._keep, self._places.conceal_text)

    def _portable(self, file: FileEffect) -> FileEffect:
        """With placeholders in the content, where the user wants that and it is text; and for secrets."""
        if file.content is None or file.size is not None or file.content.size > SCAN_LIMIT:
            return file
        data = file.content.bytes()
        wanted = any(pattern.match(file.path) for pattern in self._text) and _is_text(data)
        if not wanted and not self._places.secrets.are_in(data):
            return file
        concealed = self._places.conceal(data)
        if concealed == data:
            return file
        return file.but(content=Content.of(concealed), placeholders=True)

    def _keep(self, file: FileEffect) -> Stream:
        """Every content goes through here on its way to the disk."""
        assert file.content is not None
        return self._store.encode_file(file.content, self._later)

    def _later(self, content: Content) -> Payload:
        self._unwritten[content.sha256] = content
        return Payload(sha256=content.sha256, size=content.size)

    def read(self, stream: Stream) -> Content:
        """A stream of a tape, of one that is not written yet as well."""
        content = self._unwritten.get(stream.sha256) if isinstance(stream, Payload) else None
        return self._store.decode(stream) if content is None else content

    def write(self, tape: Tape) -> None:
        """Write the contents that ``tape``, which is about to be stored, names: no others leave a trace.

        Raises:
            TapeWriteError: the disk would not take it.
        """
        for payload in payloads_of(tape) if self._unwritten else ():
            content = self._unwritten.pop(payload.sha256, None)
            if content is not None:
                self._store.add_file(content)

    # -- replay --------------------------------------------------------------------------------

    def decode(self, effect: Effect, began_ns: int | None) -> FileEffect:
        """What an effect of the tape means here."""
        path = effect.path
        if self.made and isinstance(path, str) and not self.roots.root_of(self._places.reveal_text(path)):
            find(path, self.made, self._places)
        return file_effect_of(effect, began_ns, self._content, self._places.reveal_text)

    def _content(self, effect: Effect) -> Content:
        content = self._store.decode(effect.file or "")
        return Content.of(self._places.reveal(content.bytes())) if effect.placeholders else content

    def put(self, files: Sequence[FileEffect], tape: Path, tell: Tell) -> None:
        """Put files where a command had put them.

        Args:
            files: what became of them.
            tape: the path of the tape, for the errors.
            tell: makes the error for something that is in the way.

        Raises:
            ProctapeError: something is in the way, the tape wants something that no tape may, or the
                system refused.
        """
        self._put = True
        try:
            effects.apply(files, self.roots, self._places.conceal, self._taped)
        except effects.InTheWayError as error:
            raise tell(
                IN_THE_WAY, Difference(self._shown(error.path), error.expected, error.actual)
            ) from None
        except effects.OutsideError as error:
            raise TapeCorrupt(
                tape,
                f"{self._shown(error.path)} can't be written: {error.reason}",
                place="effects",
                expected="a path in a watched directory: those of tmp_path, tmp_path_factory and tempfile, "
                "and what tapes_effects names",
                next_step="see where this tape comes from; if it is yours, record the test again",
            ) from None
        except OSError as error:
            where = self._shown(str(error.filename or ""))
            raise tell(REFUSED, Difference(where, "written", error.strerror or str(error))) from error

    def end_replay(self) -> None:
        """Nothing more is put."""
        if self._put:
            effects.shut_kept()

    def _shown(self, path: str) -> str:
        return self._places.conceal_text(path)


def notes_of(shared: bool, notes: Iterable[str]) -> list[str]:
    """Sentences for the reader of a tape."""
    return [*([SHARED] if shared else []), *notes]


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False
