"""Random trees and random edits by a real child: what a replay leaves is what the child left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_proctape import intercept
from pytest_proctape.effects import Roots
from pytest_proctape.portable import Places
from pytest_proctape.session import FileRules, Files, RecordSession, ReplaySession
from pytest_proctape.tape import TapeStore

from . import editor
from .trees import below, tree

NAMES = ("a", "b", "A", "c d", "\udcff\n", "é")
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
contents = st.one_of(
    st.binary(max_size=20).map(bytes.hex),
    st.sampled_from(["", "7465787420c3bc0a*100", "00ff10*30000", "61*1100000"]),
)
times = st.integers(min_value=0, max_value=4 * 10**18)
edits = st.one_of(
    st.tuples(st.just("write"), paths, contents),
    st.tuples(st.just("append"), paths, contents),
    st.tuples(st.just("hole"), paths, st.sampled_from([10, 300_000])),
    st.tuples(st.just("mkdir"), paths),
    st.tuples(st.just("remove"), paths),
    st.tuples(st.just("rmtree"), paths),
    st.tuples(st.just("rename"), paths, paths),
    st.tuples(st.just("symlink"), paths, paths),
    st.tuples(st.just("link"), paths, paths),
    st.tuples(st.just("mkfifo"), paths),
    st.tuples(st.just("chmod"), paths, st.sampled_from([0o644, 0o755, 0o600, 0o700])),
    st.tuples(st.just("utime"), paths, times),
)
spawns = st.lists(st.lists(edits, max_size=8), min_size=1, max_size=3)
betweens = st.lists(st.lists(edits, max_size=3), max_size=2)


def edit(folder: Path, steps: Any) -> None:
    """What the child does."""
    command = [sys.executable, "-I", "-S", editor.__file__, json.dumps(steps)]
    subprocess.run(command, cwd=folder, check=True)


def prepare(folder: Path, steps: Any) -> None:
    """The test's own tree."""
    for path in (os.fspath(folder), *below(folder)):
        if os.path.isdir(path) and not os.path.islink(path):
            os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    edit_here(folder, steps)


def edit_here(folder: Path, steps: Any) -> None:
    """What the test itself does, with times that do not depend on when it does it."""
    with contextlib.chdir(folder):
        editor.edit(json.loads(json.dumps(steps)))
    for path in (os.fspath(folder), *below(folder)):
        os.utime(path, ns=(0, 10**18), follow_symlinks=False)


def in_session(kind: type[Any], base: Path, body: Any) -> Any:
    """Run ``body`` with an active session; the session."""
    folder = base / "work"
    places = Places({"tmp": str(folder), "python": sys.executable})
    store = TapeStore(base / "tapes")
    session = kind(store, "t.py::t", places, root=base)
    roots = Roots()
    roots.add(str(folder))
    session.files = Files(store, places, roots, FileRules(on=True))
    intercept.install()
    try:
        with intercept.bound(session):
            body(folder)
    finally:
        intercept.uninstall()
    assert session.errors == []
    return session


@pytest.mark.parametrize("small", [1000, 0], ids=["a small tree", "a large tree"])
@given(own=st.lists(edits, max_size=10), commands=spawns, between=betweens)
@example(
    own=[("write", "a", "00"), ("write", "b", "01")],
    commands=[[("rename", "a", "b"), ("write", "a", "02")]],
    between=[],
)
@example(
    own=[("mkdir", "a/b"), ("write", "a/b/c d", "00")],
    commands=[[("rename", "a", "b")], [("rmtree", "b")]],
    between=[],
)
@example(
    own=[("write", "a", "61")],
    commands=[[("link", "a", "b")], [("append", "b", "62")], [("remove", "a")]],
    between=[],
)
@example(
    own=[],
    commands=[[("write", "a", "61")], [("remove", "a"), ("mkdir", "a/b")], [("rmtree", "a")]],
    between=[],
)
@example(
    own=[],
    commands=[
        [("write", "a", "61")],
        [("append", "a", "62"), ("write", "b/c d", "00")],
        [("rename", "b", "a/b")],
    ],
    between=[
        [("write", "a", "63"), ("mkdir", "b")],
        [("remove", "a"), ("mkdir", "a"), ("symlink", "b", "A")],
    ],
)
@example(own=[("mkfifo", "a")], commands=[[("remove", "a")]], between=[])
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_replay_leaves_what_the_commands_left(
    tmp_path: Path, small: int, own: Any, commands: Any, between: Any
) -> None:
    def body(folder: Path) -> None:
        for number, command in enumerate(commands):
            edit(folder, command)
            if number < len(between) and between[number]:
                edit_here(folder, between[number])

    shutil.rmtree(tmp_path / "tapes", ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_proctape.effects.snapshot.SMALL", small)
        prepare(tmp_path / "work", own)
        session = in_session(RecordSession, tmp_path, body)
        session.save(session.finish(), complete=True)
        seen = tree(tmp_path / "work")
        prepare(tmp_path / "work", own)
        in_session(ReplaySession, tmp_path, body)
    assert tree(tmp_path / "work") == seen
