"""Archives of tar: the paths in them may become longer or shorter, and the archive stays one.

A header holds a path in a field of a fixed width, the size of what follows it, and a sum of its own bytes;
what does not fit has headers and blocks of its own. So an archive is read, its texts are rewritten, and it is
written again by the rules that the one who wrote it went by. These are found by trying: with the right ones
the archive that was read comes out byte for byte. Where none are right, it is no archive for us.

On a tape it is an archive as well, with placeholders for paths and a mark that says which rules.
Format: tar(5), pax(1), ``git/archive-tar.c``, :mod:`tarfile`. :mod:`.packed` calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..frozen import Value
from ..later import later

BLOCK = 512
_RECORD = 20 * BLOCK
_WIDTH, _PREFIX_WIDTH, _WORD_WIDTH = 100, 155, 32
_MARK = later(rb"<places:([A-Za-z])([0-9])>\0")
_MARKED = slice(500, 512)
"""Of the first header; in all formats there is nothing."""
_SIZE = later(rb"[0-7]{11}[\0 ]")
_SUMS = {b"A": b"%06o\0 ", b"B": b"%07o\0"}
_GNU, _POSIX = b"ustar  \0", b"ustar\x0000"
_LONG = {b"L": b"path", b"K": b"linkpath"}
_WITH_DATA = b"0\x007"
_WITHOUT_DATA = b"123456"
_BEHIND = (b"uname", b"gname", b"uid", b"gid", b"size", b"mtime")
"""Records that :mod:`tarfile` writes behind those for paths; what the user wants comes before them."""

GNU_TAR, PY_GNU, PY_PAX, PY_USTAR, OTHERS = b"G", b"g", b"p", b"s", b"k"
"""The rules: those of GNU tar's own format as it and as :mod:`tarfile` write it, of pax and ustar as tarfile
does, and of all others, which split long paths behind the last slash and keep the headers that they have."""

Rewrite = Callable[[bytes], bytes]
Record = tuple[bytes, bytes]


class Member(Value):
    """One thing in an archive.

    Attributes:
        header: its own, with nothing where the paths, the sizes and the sums are.
        name: the path, the long form where there is one.
        link: where it leads to.
        data: what is in it; the records, for those that hold for all members behind.
        records: the other records of pax, in their order.
        extra: the header of those, or nothing.
        kept: what is in the fields of the paths that have records, by the records' names.
    """

    header: bytes
    name: bytes
    link: bytes = b""
    data: bytes = b""
    records: tuple[Record, ...] = ()
    extra: bytes = b""
    kept: tuple[Record, ...] = ()


class Archive(Value):
    """A whole one.

    Attributes:
        members: in their order.
        rules: one of the above.
        zeros: bytes behind the last; 0 where the whole is filled up as tapes were.
    """

    members: tuple[Member, ...]
    rules: bytes
    zeros: int


def is_archive(data: bytes) -> bool:
    """Whether it begins like one."""
    return data.startswith(b"ustar", 257)


def archive_of(data: bytes) -> Archive | None:
    """What is in ``data``; ``None`` where it can't be written again as it is."""
    if data.startswith(_GNU, 257):
        tried: tuple[bytes, ...] = (GNU_TAR, PY_GNU)
    elif b"././@PaxHeader" in data:
        tried = (PY_PAX, OTHERS)
    else:
        tried = (OTHERS, PY_USTAR, PY_PAX)
    for rules in tried:
        archive = _read_if_whole(data, rules)
        if archive is None:
            return None
        if written(archive) == data:
            return archive
    return None


def on_tape(archive: Archive, text: Rewrite, name: Rewrite) -> bytes | None:
    """The archive with other texts and a mark, or as it is where they are the same.

    ``None``, if it can't be read again.

    Args:
        archive: from :func:`archive_of`.
        text: for what is in files, and for all names but the members' own.
        name: for the members' own.
    """
    changed = _rewritten(archive, text, name)
    if changed == archive:
        return written(archive)
    data = written(changed)
    again = _read_if_whole(data, archive.rules)
    if again is None or again.members != changed.members:
        return None
    mark = b"<places:%s%d>" % (archive.rules, not archive.zeros)
    return data[: _MARKED.start] + mark.ljust(12, b"\0") + data[_MARKED.stop :]


def from_tape(data: bytes, text: Rewrite, name: Rewrite) -> bytes | None:
    """What :func:`on_tape` made, with other texts; ``None`` where it was damaged."""
    mark = _MARK.match(data, _MARKED.start)
    if mark is None:
        return None
    plain = data[: _MARKED.start] + bytes(12) + data[_MARKED.stop :]
    archive = _read_if_whole(plain, mark[1])
    if archive is None:
        return None
    if mark[2] == b"1":
        archive = archive.but(zeros=0)
    return written(_rewritten(archive, text, name))


def _rewritten(archive: Archive, text: Rewrite, name: Rewrite) -> Archive:
    members = []
    for one in archive.members:
        is_hard = one.header[156:157] == b"1"
        members.append(
            one.but(
                header=_with_words(one.header, text),
                name=name(one.name),
                link=(name if is_hard else text)(one.link),
                data=text(one.data),
                records=tuple((key, text(value)) for key, value in one.records),
                extra=_fitting(one.extra, 0, _WIDTH, name),
                kept=tuple((key, _short(field, _WIDTH, name)) for key, field in one.kept),
            )
        )
    return archive.but(members=tuple(members))


def _with_words(header: bytes, text: Rewrite) -> bytes:
    """Other names of the user and the group."""
    header = _fitting(header, 265, _WORD_WIDTH, text)
    return _fitting(header, 297, _WORD_WIDTH, text)


def _fitting(header: bytes, start: int, width: int, text: Rewrite) -> bytes:
    """With another text in a field, if there is the room."""
    new = _short(_text(header[start : start + width]), width, text)
    return header[:start] + new.ljust(width, b"\0") + header[start + width :] if header else header


def _short(old: bytes, width: int, text: Rewrite) -> bytes:
    new = text(old)
    return new if len(new) <= width else old


# -- reading ---------------------------------------------------------------------------------------


def _read_if_whole(data: bytes, rules: bytes) -> Archive | None:
    try:
        return _read(data, rules)
    except ValueError:
        return None


def _read(data: bytes, rules: bytes) -> Archive:
    members = []
    at = 0
    while data[at : at + BLOCK].strip(b"\0"):
        member, at = _member(data, at, rules)
        members.append(member)
    # Less than none, if the last was cut off.
    zeros = len(data) - at
    if zeros < BLOCK or data.count(b"\0", at) != zeros:
        raise ValueError("no end")
    archive = Archive(tuple(members), rules, 0)
    return archive if _filled(at) == len(data) else archive.but(zeros=zeros)


def _member(data: bytes, at: int, rules: bytes) -> tuple[Member, int]:
    """The member whose headers begin at ``at``, and where the next one does."""
    long: dict[bytes, bytes] = {}
    records: list[Record] = []
    extra = b""
    while True:
        header, body, at = _part(data, at)
        kind = header[156:157]
        if kind in _LONG and header.startswith(_GNU, 257):
            long[_LONG[kind]] = body.removesuffix(b"\0")
        elif kind == b"x" and not extra:
            extra, records = header, list(_records(body))
        else:
            break
    if header.startswith(_GNU, 257) != (rules in _GNU_HEADERS):
        raise ValueError("rules of another format")
    if kind not in _WITH_DATA + b"g" and (kind not in _WITHOUT_DATA or body):
        raise ValueError(kind)
    if kind == b"g":
        return Member(_blank(header, paths=False), b"", records=tuple(_records(body))), at
    long |= {key: value for key, value in records if key in _LONG.values()}
    others = tuple(one for one in records if one[0] not in _LONG.values())
    name, link = _text(header[:_WIDTH]), _text(header[157:257])
    kept: tuple[Record, ...] = ()
    if rules == OTHERS:
        kept = tuple((key, {b"path": name, b"linkpath": link}[key]) for key in long)
    if header.startswith(_POSIX, 257) and (prefix := _text(header[345:500])):
        name = prefix + b"/" + name
    return Member(
        _blank(header),
        long.get(b"path", name),
        long.get(b"linkpath", link),
        body,
        others,
        _blank(extra, paths=False) if extra and (others or kept) else b"",
        kept,
    ), at


def _part(data: bytes, at: int) -> tuple[bytes, bytes, int]:
    """One header and what follows it, and where that ends."""
    header = data[at : at + BLOCK]
    if not header.startswith((_GNU, _POSIX), 257) or header[_MARKED].strip(b"\0"):
        raise ValueError("no header")
    if int(header[148:156].strip(b" \0") or b"-", 8) != _sum(header) or not _SIZE.fullmatch(header[124:136]):
        raise ValueError("damaged")
    at += BLOCK
    end = at + int(header[124:135], 8)
    return header, data[at:end], end + -end % BLOCK


def _records(body: bytes) -> Iterator[Record]:
    """Of pax: ``length key=value`` and a line break each."""
    while body:
        length, _, _ = body.partition(b" ")
        size = int(length)
        record, body = body[:size], body[size:]
        key, found, value = record[len(length) + 1 : -1].partition(b"=")
        if not found or len(record) != size:
            raise ValueError(record)
        yield key, value


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _sum(header: bytes) -> int:
    return sum(header) - sum(header[148:156]) + 8 * ord(" ")


def _blank(header: bytes, *, paths: bool = True) -> bytes:
    """Without what :func:`_block` fills in; the form of the sum is kept in its place."""
    form = b"B" if header[155:156] == b"\0" else b"A"
    header = header[:124] + bytes(11) + header[135:148] + form + bytes(7) + header[156:]
    if paths:
        header = bytes(_WIDTH) + header[_WIDTH:157] + bytes(_WIDTH) + header[257:]
        if header.startswith(_POSIX, 257):
            header = header[:345] + bytes(_PREFIX_WIDTH) + header[500:]
    return header


# -- writing ---------------------------------------------------------------------------------------


def written(archive: Archive) -> bytes:
    """The bytes of it."""
    body = b"".join(_written(one, archive.rules) for one in archive.members)
    size = len(body) + archive.zeros if archive.zeros else _filled(len(body))
    return body.ljust(size, b"\0")


def _filled(size: int) -> int:
    """With two blocks of zeros behind, and then up to a whole record."""
    size += 2 * BLOCK
    return size + -size % _RECORD


def _written(member: Member, rules: bytes) -> bytes:
    if member.header.startswith(_GNU, 257):
        long = [(b"K", member.link), (b"L", member.name)]
        parts = [_long(kind, text, rules) for kind, text in long if len(text) > _WIDTH]
        return b"".join([*parts, _block(member.header, member.data, member.name, member.link)])
    if member.header[156:157] == b"g":
        return _block(member.header, _pax(member.records))
    kept = dict(member.kept)
    prefix, name = _fields(member.name, rules, kept.get(b"path"))
    _, link = _fields(member.link, PY_PAX if rules == PY_PAX else b"", kept.get(b"linkpath"))
    paths = {b"path": member.name, b"linkpath": member.link}
    too_long = [key for key, field in ((b"path", name), (b"linkpath", link)) if field is None]
    long = [(key, paths[key]) for key in dict.fromkeys([*kept, *too_long])]
    others = enumerate(member.records)
    at = next((i for i, (key, _) in others if rules != PY_PAX or key in _BEHIND), len(member.records))
    records = [*member.records[:at], *long, *member.records[at:]]
    extra = b""
    if records:
        extra = _block(member.extra or _PAX_HEADER, _pax(records))
    name = _cut(member.name) if name is None else name
    link = _cut(member.link) if link is None else link
    return extra + _block(member.header, member.data, name, link, prefix)


def _cut(text: bytes) -> bytes:
    """As :mod:`tarfile` fills the field of a path that has a record."""
    return text.decode("utf-8", "surrogateescape").encode("ascii", "replace")[:_WIDTH]


def _fields(text: bytes, rules: bytes, kept: bytes | None) -> tuple[bytes, bytes | None]:
    """The prefix and the field for a path; ``None`` for the field if the path takes a record."""
    if kept is not None:
        return b"", kept
    if len(text) <= _WIDTH and (rules != PY_PAX or text.isascii()):
        return b"", text
    if rules in (PY_USTAR, OTHERS):
        ends: Sequence[int] = [at for at in range(len(text) - 1) if text[at] == ord("/")]
        for at in ends if rules == PY_USTAR else reversed(ends):
            if at <= _PREFIX_WIDTH and len(text) - at - 1 <= _WIDTH:
                return text[:at], text[at + 1 :]
    return b"", None


def _long(kind: bytes, text: bytes, rules: bytes) -> bytes:
    return _block(_GNU_HEADERS[rules][:156] + kind + _GNU_HEADERS[rules][157:], text + b"\0")


def _pax(records: Iterable[Record]) -> bytes:
    return b"".join(_record(*one) for one in records)


def _record(key: bytes, value: bytes) -> bytes:
    bare = len(key) + len(value) + 3
    size = bare
    while (told := bare + len(str(size))) != size:
        size = told
    return b"%d %s=%s\n" % (size, key, value)


def _block(
    header: bytes, data: bytes, name: bytes | None = None, link: bytes = b"", prefix: bytes = b""
) -> bytes:
    """A header that fits ``data``, and it; filled up."""
    if name is not None:
        header = name[:_WIDTH].ljust(_WIDTH, b"\0") + header[_WIDTH:]
        header = header[:157] + link[:_WIDTH].ljust(_WIDTH, b"\0") + header[257:]
        if prefix:
            header = header[:345] + prefix.ljust(_PREFIX_WIDTH, b"\0") + header[500:]
    form = _SUMS[header[148:149]]
    header = header[:124] + b"%011o" % len(data) + header[135:]
    header = header[:148] + form % _sum(header) + header[156:]
    return header + data + bytes(-len(data) % BLOCK)


def _header(name: bytes, mode: bytes, kind: bytes, magic: bytes, word: bytes) -> bytes:
    """One that goes before another, without a size and a sum."""
    numbers = mode + b"0000000\0" * 2 + bytes(12) + b"00000000000\0" + b"A" + bytes(7)
    head = name.ljust(_WIDTH, b"\0") + numbers + kind + bytes(_WIDTH) + magic
    return (head + word.ljust(_WORD_WIDTH, b"\0") * 2).ljust(BLOCK, b"\0")


_PAX_HEADER = _header(b"././@PaxHeader", b"0000000\0", b"x", _POSIX, b"")
_GNU_HEADERS = {
    PY_GNU: _header(b"././@LongLink", b"0000000\0", b"L", _GNU, b""),
    GNU_TAR: _header(b"././@LongLink", b"0000644\0", b"L", _GNU, b"root"),
}
