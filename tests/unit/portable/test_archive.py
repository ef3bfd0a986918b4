"""Archives of tar: one that was made here and is led over a tape is the one that is made there."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_proctape.portable import Places

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
HERE, THERE = (
    "/tmp/pytest-of-me/pytest-7/test_a0",
    "/var/folders/zz/T/pytest-of-somebody/pytest-12345/test_a0",
)

names = st.lists(st.text("abcé.-", min_size=1, max_size=20), min_size=1, max_size=4).map("/".join)
folders = st.integers(2, 14).map(lambda parts: "/srv" + "/some-bb" * parts)
texts = st.sampled_from([b"", b"x", b"in {}/a\n", b"{} and {}\n" * 40])


def archive(folder: str, style: str, members: Sequence[tuple[str, bytes, str]]) -> bytes:
    """Members whose names begin with ``folder``; the first tells which of the three formats it is."""
    made = io.BytesIO()
    told = "/".join(["d" * 8] * 12)
    with tarfile.open(fileobj=made, mode="w", format=FORMATS[style]) as tar:
        for number, (name, text, kind) in enumerate([(told, b"", "0"), *members]):
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.type, info.mtime = kind.encode(), 1_600_000_000 + number
            if number == 0 and style == "pax":
                info.pax_headers = {"comment": "told"}
            if info.issym() or info.islnk():
                info.linkname = "some/where" if style == "ustar" else f"{folder}/{name}/target"
            data = text.replace(b"{}", folder.encode()) if info.isreg() else b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


def led(data: bytes, here: str = HERE, there: str = THERE) -> bytes:
    """Onto a tape and off it, on another machine."""
    return Places({"tmp": there}).reveal(Places({"tmp": here}).conceal(data))


@given(
    st.sampled_from(sorted(FORMATS)),
    st.lists(st.tuples(names, texts, st.sampled_from("0125")), max_size=4),
    folders,
    folders,
)
def test_an_archive_is_the_one_that_is_made_there(
    style: str, members: list[tuple[str, bytes, str]], here: str, there: str
) -> None:
    # What is one byte too long and begins with a slash, tarfile writes without it.
    told = [f"{name}/" if kind == "5" else name for name, _, kind in members]
    assume(all(len(f"{folder}/{name}".encode()) != 101 for folder in (here, there) for name in told))
    here, there = f"{here}/a", f"{there}/b"
    made = archive(here, style, members)
    on_tape = Places({"tmp": here}).conceal(made)
    assert here.encode() not in on_tape
    assert led(made, here, here) == made
    assert led(made, here, there) == archive(there, style, members)


def test_one_without_any_path_is_kept_as_it_is() -> None:
    made = archive("relative", "pax", [("a", b"text", "0")])
    places = Places({"tmp": HERE})
    assert places.conceal(made) is made


@pytest.mark.parametrize("style", FORMATS)
def test_a_placeholder_that_is_the_archives_own_text_comes_back(style: str) -> None:
    made = archive(HERE, style, [("<tmp>", b"<root> and <=tmp>", "0")])
    assert led(made, HERE, HERE) == made
    assert led(made) == archive(THERE, style, [("<tmp>", b"<root> and <=tmp>", "0")])


@pytest.mark.parametrize("cut", [1, 700, 5000])
def test_a_damaged_archive_is_a_text_like_any(cut: int) -> None:
    made = archive(HERE, "gnu", [("a", b"text", "0")])
    assert led(made[:-cut], HERE, HERE) == made[:-cut]
    damaged = made[:3] + b"X" + made[4:]
    assert led(damaged, HERE, HERE) == damaged


def header(made: bytes, **fields: bytes) -> bytes:
    """An archive with other fields in its first header, and the sum of them."""
    places = {"size": 124, "kind": 156, "magic": 257, "behind": 500}
    for name, value in fields.items():
        made = made[: places[name]] + value + made[places[name] + len(value) :]
    summed = sum(made[:512]) - sum(made[148:156]) + 8 * ord(" ")
    return made[:148] + b"%06o\0 " % summed + made[156:]


GNU, USTAR = (archive(HERE, style, [("a", b"in {}", "0")]) for style in ("gnu", "ustar"))
PLAIN = archive(HERE, "ustar", [])
NOT_WHOLE = {
    "of two formats": GNU[: GNU.index(b"/a\0") // 512 * 512] + USTAR,
    "of two formats, the newer first": PLAIN.rstrip(b"\0").ljust(512, b"\0") + GNU,
    "a kind that nobody knows": header(PLAIN, kind=b"S"),
    "a link with something in it": header(PLAIN[:512], kind=b"2", size=b"00000000004\0") + bytes(512) + USTAR,
    "words where there are none": header(USTAR, behind=b"of star"),
    "a size in another form": header(USTAR, size=b"\x80" + bytes(11)),
    "more than there is": header(USTAR, size=b"00077777777\0"),
    "nothing behind": USTAR.rstrip(b"\0"),
    "something behind": USTAR + b"and more",
    "half a header behind": USTAR.rstrip(b"\0").ljust(2048, b"\0") + USTAR[:300],
}


@pytest.mark.parametrize("made", NOT_WHOLE.values(), ids=list(NOT_WHOLE))
def test_what_is_no_whole_archive_is_a_text_like_any(made: bytes) -> None:
    assert led(made, HERE, HERE) == made
    assert led(made) == made.replace(HERE.encode(), THERE.encode())


@pytest.mark.parametrize("record", [b"9999 comment=x\n", b"12 comment x\n", b"0 comment=x\n", b"x\n"])
def test_records_that_are_damaged_make_a_text_like_any(record: bytes) -> None:
    made = archive(HERE, "pax", [("a", b"in {}", "0")])
    here = Places({"tmp": HERE})
    for data in (made, here.conceal(made)):
        at = data.index(b" comment=told") - 2
        damaged = data[:at] + record + data[at + len(record) :]
        assert here.reveal(damaged) == damaged.replace(b"<tmp>", HERE.encode())
        assert led(damaged, HERE, HERE) == damaged


def test_a_mark_that_no_recording_made_is_a_text_like_any() -> None:
    on_tape = Places({"tmp": HERE}).conceal(USTAR)
    mark = on_tape.index(b"<places:")
    here = Places({"tmp": HERE})
    assert here.reveal(on_tape) == USTAR
    text = on_tape.index(b"in <tmp>")
    cut = [on_tape[:size] for size in (700, 512 + 300, text + 4, text + 512)]
    for damaged in (on_tape[: mark + 8] + b"??" + on_tape[mark + 10 :], on_tape + b"x", *cut):
        assert here.reveal(damaged) == damaged.replace(b"<tmp>", HERE.encode())


def test_a_path_that_has_no_room_for_its_placeholder_is_led_as_it_is() -> None:
    name = "/t/" + "d" * 75 + "/" + "e" * 76 + "/" + "n" * 100
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo(name))
    assert led(made.getvalue(), "/t", "/t") == made.getvalue()


@pytest.mark.parametrize(
    "mark, said",
    [
        (b"gzip:6:1f8b08", bytes(1 << 20)),
        (b"gzip:6:1f8b0", b"<root>"),
        (b"bzip2:0:", b"<root>"),
    ],
    ids=["what would fill the memory", "half a byte", "a level that there is not"],
)
def test_a_stream_that_was_not_made_by_a_recording_is_a_text_like_any(mark: bytes, said: bytes) -> None:
    stream = gzip.compress(said)
    foreign = b"\x1f\x8b\x08\x10" + bytes(6) + b"<packed:" + mark + b">\0" + stream[10:]
    assert zlib.decompress(foreign, wbits=31) == said
    assert Places({"tmp": HERE}).reveal(foreign) == foreign


def test_names_that_lost_their_first_slash_are_found() -> None:
    made = archive(HERE[1:], "gnu", [("a", b"text", "0"), ("b", b"", "1")])
    assert HERE[1:].encode() not in Places({"tmp": HERE}).conceal(made)[:9000]
    assert led(made) == archive(THERE[1:], "gnu", [("a", b"text", "0"), ("b", b"", "1")])
    assert led(made, HERE, HERE) == made


def test_a_short_path_without_its_slash_is_a_folders_name() -> None:
    made = archive("tmp/it", "gnu", [("a", b"text", "0")])
    assert led(made, "/tmp", "/var/tmp") == made


def test_no_secret_is_left_in_an_archive() -> None:
    places = Places({"tmp": HERE})
    places.secrets.learn({"MY_TOKEN": "abcdef-123456"})
    made = archive(HERE, "pax", [("abcdef-123456", b"it is abcdef-123456 in {}", "0")])
    on_tape = places.conceal(made)
    assert b"abcdef" not in on_tape
    with tarfile.open(fileobj=io.BytesIO(places.reveal(on_tape))) as tar:
        assert tar.getnames()[1] == f"{HERE}/<redacted:MY_TOKEN>"


def test_a_name_that_was_captured_is_the_one_that_the_test_says() -> None:
    recorded = Places({"tempdir": "/tmp"})
    recorded.capturing = True
    on_tape = recorded.conceal(archive("/tmp/tmpabcd1234", "gnu", []))
    assert b"<tempdir>/<mktemp:1>/" in on_tape
    replayed = Places({"tempdir": "/tmp"})
    replayed.names.load(recorded.names.recorded)
    replayed.learn("<tempdir>/<mktemp:1>", "<tempdir>/tmpzzzz9876")
    assert replayed.reveal(on_tape) == archive("/tmp/tmpzzzz9876", "gnu", [])


COMMANDS = {
    "git archive": "git archive --prefix={}/ HEAD",
    "git archive, compressed": "git archive --format=tgz --prefix={}/ HEAD",
    "tar": "tar -cPf - --transform=s,^,{}/, long short",
    "tar, one block": "tar -b1 -cPf - --transform=s,^,{}/, long short",
    "tar, posix": "tar --format=posix -cPf - --transform=s,^,{}/, --pax-option=delete=?time long short",
    "tar, ustar": "tar --format=ustar -cPf - --transform=s,^,{}/, long short",
    "tar, bzip2": "tar -cPf - --transform=s,^,{}/, long short | bzip2",
    "tar, xz": "tar -cPf - --transform=s,^,{}/, long short | xz -6 -T1",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not all(shutil.which(tool) for tool in ("git", "tar", "bzip2", "xz")):
        pytest.skip("needs git, tar, bzip2 and xz")
    folder = tmp_path_factory.mktemp("repository")
    for name in ("long/" + "/".join(["some-folder"] * 9), "short"):
        folder.joinpath(name).mkdir(parents=True)
        folder.joinpath(name, "file").write_text("text\n")
    settings = "-c user.name=n -c user.email=e -c commit.gpgsign=false"
    for command in ("git init -q .", "git add .", f"git {settings} commit -qm one"):
        subprocess.run(command.split(), cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_what_tools_pack_is_what_they_pack_there(command: str, repository: Path) -> None:
    def packed(folder: str) -> bytes:
        shell = COMMANDS[command].format(folder)
        return subprocess.run(shell, shell=True, cwd=repository, check=True, stdout=subprocess.PIPE).stdout

    made = packed(HERE)
    assert HERE.encode() not in Places({"tmp": HERE}).conceal(made)
    for there in (HERE, THERE, "/x"):
        with (
            tarfile.open(fileobj=io.BytesIO(led(made, there=there))) as tar,
            tarfile.open(fileobj=io.BytesIO(packed(there))) as expected,
        ):
            assert [vars_of(one) for one in tar] == [vars_of(one) for one in expected]
    assert led(made, HERE, HERE) == made
    if command != "tar, posix":  # where a path takes a record, its headers have names of another kind
        assert led(made) == packed(THERE)


def vars_of(member: tarfile.TarInfo) -> tuple[object, ...]:
    return member.name, member.type, member.mode, member.size, member.mtime, member.linkname
