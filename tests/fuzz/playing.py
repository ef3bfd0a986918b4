"""Plays a random program and tells all that it saw. See :mod:`.programs`."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import io
import os
import select
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path
from typing import Any

from pytest_proctape import ProctapeError

from .around import REFUSED, around
from .bench import COMMANDS, Bench
from .programs import Program, Step
from .telling import DIGITS

_OS: Any = os
"""Some of its functions are deprecated for others than us."""
_AUDITED = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.kill", "os.putenv", "os.chdir")
_hooked: list[list[Any]] = []
_is_hooked = False


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _hooked and (event in _AUDITED or (event == "open" and args[0] == os.devnull)):
        told = args[1:] if event == "os.kill" else args
        _hooked[-1].append([event, repr(told)[:500]])
        if event in REFUSED:
            raise LookupError("refused")


def _use(bench: Bench, popen: Any, use: str) -> None:
    small = "abc\n" if popen.text_mode else b"abc\n"
    uses: dict[str, Callable[[], Any]] = {
        "communicate": popen.communicate,
        "communicate input": lambda: popen.communicate(small),
        "communicate again": lambda: (popen.communicate(), popen.communicate()),
        "communicate timeout": lambda: popen.communicate(timeout=60),
        "wait": lambda: None if _would_block(popen) else popen.wait(),
        "wait timeout": lambda: None if _would_block(popen) else popen.wait(60),
        "read out": _late(popen, "stdout.read"),
        "read err": _late(popen, "stderr.read"),
        "readline": _late(popen, "stdout.readline"),
        "read some": lambda: popen.stdout.read(2),
        "iterate": lambda: list(popen.stdout),
        "write": lambda: popen.stdin.write(b"abc\n"),
        "write text": lambda: popen.stdin.write("abc\n"),
        "flush": _late(popen, "stdin.flush"),
        "close in": _late(popen, "stdin.close"),
        "close out": _late(popen, "stdout.close"),
        "close err": _late(popen, "stderr.close"),
        "fileno": lambda: [one and one.fileno() for one in (popen.stdin, popen.stdout, popen.stderr)],
        "poll after": lambda: _ended(popen).poll(),
        "kill after": lambda: (_ended(popen).kill(), popen.terminate(), popen.send_signal(0)),
        "repr": lambda: DIGITS.sub("#", repr(popen)),
        "with": lambda: popen.__enter__() and popen.__exit__(None, None, None),
        "raise in with": lambda: _raise_in(popen),
        "raise": lambda: popen.communicate(5),
        "detach": lambda: type(popen.stdout.detach()).__name__,
        "raw read": lambda: os.read(popen.stdout.fileno(), 1),
        "select": lambda: bool(select.select([popen.stdout], [], [])[0]),
        "again in": lambda: subprocess.run(["cat"], stdin=popen.stdout, capture_output=True),
        "nested": lambda: subprocess.run(["echo", "in"], capture_output=True),
        "communicate in thread": lambda: _in_thread(popen.communicate),
        "wait in thread": lambda: None if _would_block(popen) else _in_thread(popen.wait),
        "dup": lambda: _read_all(os.dup(popen.stdout.fileno())),
        "read in text": lambda: io.TextIOWrapper(popen.stdout, "latin-1").read(),
        "poll": popen.poll,
        "kill": popen.kill,
        "with kill": lambda: (popen.kill(), popen.__exit__(None, None, None), popen.poll()),
        "terminate": popen.terminate,
        "signal": lambda: popen.send_signal(signal.SIGINT),
        "signal 0": lambda: popen.send_signal(0),
        "bad signal": lambda: popen.send_signal(1000),
        "os.kill": lambda: os.kill(popen.pid, signal.SIGKILL),
        "wait soon": lambda: popen.wait(0.02),
        "communicate soon": lambda: popen.communicate(timeout=0.02),
    }
    bench.tries(use, uses[use])


def _late(popen: Any, path: str) -> Callable[[], Any]:
    """A method of a stream, which may not be there."""

    def call() -> Any:
        return attrgetter(path)(popen)()

    return call


def _in_thread(call: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def _read_all(fd: int) -> bytes:
    with open(fd, "rb") as file:
        return file.read()


def _would_block(popen: Any) -> bool:
    """An input that nobody closes, or more than a pipe holds."""
    if popen.stdin is not None and not popen.stdin.closed:
        popen.stdin.close()
    return popen.args == COMMANDS["much"] and not _is_read(popen)


def _is_read(popen: Any) -> bool:
    return popen.stdout is None or popen.stdout.closed


def _ended(popen: Any) -> Any:
    popen.communicate()
    return popen


def _raise_in(popen: Any) -> None:
    with popen:
        raise LookupError("inside")


def _run_popen(bench: Bench, step: Step, options: dict[str, Any]) -> None:
    popen = bench.tries("Popen", subprocess.Popen, bench.command(step.command), **options)
    if popen is None:
        return
    for use in step.uses:
        _use(bench, popen, use)
        if "soon" not in use:
            bench.see("and then", popen)
    with contextlib.suppress(ValueError, OSError):
        if popen.returncode is None and popen.args != COMMANDS["nap"]:
            popen.communicate()
    for stream in (popen.stdin, popen.stdout, popen.stderr):
        with contextlib.suppress(ValueError, OSError):
            if stream is not None:
                stream.close()
    bench.tries("at last", popen.wait)
    bench.see("the end", popen)


async def _in_loop(bench: Bench, step: Step, options: dict[str, Any]) -> None:
    if step.kind == "shell":
        child = await asyncio.create_subprocess_shell(bench.line(step.command), **options)
    else:
        words: Any = bench.command(step.command)
        words = [words] if isinstance(words, str | float | None) else list(words)
        child = await asyncio.create_subprocess_exec(*words, **options)
    for use in step.uses:
        try:
            bench.see(use, await _async_use(child, use))
        except ProctapeError:
            raise
        except Exception as error:
            bench.see(use, error)
    if child.stdin is not None:
        child.stdin.close()
    bench.see("communicate", await child.communicate())
    bench.see("returncode", [child.returncode, await child.wait()])
    transport: Any = child._transport  # type: ignore[attr-defined]
    bench.see("transport", transport.get_returncode())


async def _async_use(child: Any, use: str) -> Any:
    match use:
        case "communicate":
            return await child.communicate()
        case "communicate input":
            return await child.communicate(b"abc")
        case "wait" if child.stdout is None and child.stderr is None and child.stdin is None:
            return await child.wait()
        case "read out":
            return await _closed_in(child).stdout.read()
        case "lines out":
            return [line async for line in _closed_in(child).stdout]
        case "read both":
            _closed_in(child)
            return await asyncio.gather(child.stdout.read(), child.stderr.read())
        case "feed":
            child.stdin.write(b"x\n")
            await child.stdin.drain()
    return None


def _closed_in(child: Any) -> Any:
    if child.stdin is not None:
        child.stdin.close()
    return child


def _argv(bench: Bench, step: Step) -> list[Any]:
    words: Any = bench.command(step.command)
    return [words] if isinstance(words, str) else [os.fspath(word) for word in words]


def _posix_spawn(bench: Bench, step: Step, options: dict[str, Any]) -> Any:
    argv = _argv(bench, step)
    first = argv[0] if argv else "true"
    if step.kind == "spawnvp":
        return _OS.spawnvp(os.P_WAIT, first, argv)
    name = first if step.kind == "posix_spawnp" or "/" in first else f"/bin/{first}"
    pid = getattr(os, step.kind)(name, argv, os.environ)
    return os.waitpid(pid, 0)[1]


def _os_popen(bench: Bench, step: Step, options: dict[str, Any]) -> Any:
    mode = "w" if step.kind.endswith("write") else "r"
    pipe = _OS.popen(bench.line(step.command), mode)
    seen = [type(pipe).__name__, str(vars(pipe).keys())]
    try:
        return [seen, pipe.write("a\n") if mode == "w" else pipe.read(), pipe.close()]
    finally:
        with contextlib.suppress(OSError):
            pipe.close()


def _dropped(bench: Bench, step: Step, options: dict[str, Any]) -> Any:
    subprocess.Popen(bench.command(step.command), **options)
    gc.collect(0)


def _plainly(name: str) -> Callable[[Bench, Step, dict[str, Any]], Any]:
    def call(bench: Bench, step: Step, options: dict[str, Any]) -> Any:
        return getattr(subprocess, name)(bench.command(step.command), **options)

    return call


def _by_shell(module: Any, name: str) -> Callable[[Bench, Step, dict[str, Any]], Any]:
    return lambda bench, step, options: getattr(module, name)(bench.line(step.command), **options)


KINDS: dict[str, Callable[[Bench, Step, dict[str, Any]], Any]] = {
    **{name: _plainly(name) for name in ("run", "call", "check_call", "check_output")},
    **{name: _by_shell(subprocess, name) for name in ("getoutput", "getstatusoutput")},
    "Popen": _run_popen,
    "dropped": _dropped,
    "os.system": _by_shell(os, "system"),
    "os.popen": _os_popen,
    "os.popen write": _os_popen,
    "posix_spawn": _posix_spawn,
    "posix_spawnp": _posix_spawn,
    "spawnvp": _posix_spawn,
    "exec": lambda bench, step, options: asyncio.run(_in_loop(bench, step, options)),
    "shell": lambda bench, step, options: asyncio.run(_in_loop(bench, step, options)),
}


def _play(bench: Bench, step: Step) -> None:
    options = {name: bench.value(name, key) for name, key in step.options.items()}
    with around(bench, step.around):
        if step.around == "in except":
            try:
                raise KeyError("outside")
            except KeyError:
                bench.tries(step.kind, KINDS[step.kind], bench, step, options)
        elif step.around == "in a generator":
            bench.see("generated", list(_generated(bench, step, options)))
        elif step.around == "in a context":
            contextvars.copy_context().run(bench.tries, step.kind, KINDS[step.kind], bench, step, options)
        elif step.around == "run in thread":
            thread = threading.Thread(
                target=bench.tries, args=(step.kind, KINDS[step.kind], bench, step, options)
            )
            thread.start()
            thread.join()
        else:
            bench.tries(step.kind, KINDS[step.kind], bench, step, options)
    bench.empty()
    bench.see("open", _next_descriptors())
    if step.command != "nap":
        # Whether one that has said its last word has ended when it is killed is chance. And some are
        # started by `posix_spawn` where no tape is active.
        spared = {"os.kill"} if step.kind.startswith("posix") else {"os.kill", "os.posix_spawn"}
        _hooked[-1][:] = [event for event in _hooked[-1] if event[0] not in spared]


def _generated(bench: Bench, step: Step, options: dict[str, Any]) -> Iterator[Any]:
    yield bench.tries(step.kind, KINDS[step.kind], bench, step, options)


def _next_descriptors() -> list[int]:
    opened = [os.dup(1) for _ in range(3)]
    for fd in opened:
        os.close(fd)
    return opened


def _hook() -> None:
    global _is_hooked
    if not _is_hooked:
        _is_hooked = True
        sys.addaudithook(_audit)


def _state() -> object:
    mask = os.umask(0)
    os.umask(mask)
    dispositions = {int(one): repr(signal.getsignal(one)) for one in (2, 13, 15, 17)}
    blocked = sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ())))
    return [
        os.getcwd(), mask, dispositions, blocked, repr(sys.exc_info()),
        repr(signal.set_wakeup_fd(-1)), hash(tuple(os.environ.items())),
    ]  # fmt: skip


def play(program: Program, folder: Path) -> list[object]:
    """All that ``program`` sees. Outputs that are inherited go to files in ``folder``."""
    _hook()
    bench, events = Bench(folder), list[Any]()
    kept = [os.dup(1), os.dup(2)]
    for fd in (1, 2):
        with open(folder / f"fd{fd}.txt", "ab") as file:
            os.dup2(file.fileno(), fd)
    _hooked.append(events)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for step in program:
                _play(bench, step)
            gc.collect(0)
            bench.see("state", _state())
    finally:
        _hooked.pop()
        for fd, real in zip((1, 2), kept, strict=True):
            os.dup2(real, fd)
            os.close(real)
        bench.close()
    texts = [DIGITS.sub("#", f"{one.category.__name__}: {one.message}") for one in caught]
    # There are threads of this package, also where no tape is active.
    bench.see("warnings", sorted(text for text in texts if "use of fork() may" not in text))
    bench.see("audited", events)
    for path in sorted(folder.glob("*.txt")):
        bench.see(path.name, DIGITS.sub("#", path.read_text("latin-1")))
    return bench.seen
