"""Small WASI modules for the tests of the virtual toolchain, as text."""

from __future__ import annotations

from pathlib import Path

_HEAD = """
(import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "clock_res_get" (func $clock_res_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
(import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
(import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
(memory (export "memory") 4)
(data (i32.const 1024) "hello\\nbad\\nhello.txtmade.txtin\\nlate\\n")
;; Address 0 holds an iovec, 8 the number of bytes; 256 to 1023 are for calls, 65536 is for data.
(func $write (param $fd i32) (param $at i32) (param $size i32) (result i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $size))
    (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
(func $print (param $at i32) (param $size i32)
    (drop (call $write (i32.const 1) (local.get $at) (local.get $size))))
(func $read (param $fd i32) (param $at i32) (param $size i32) (result i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $size))
    (if (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
    (i32.load (i32.const 8)))
(func $clock (param $id i32)
    (drop (call $clock_time_get (local.get $id) (i64.const 0) (i32.const 256)))
    (call $print (i32.const 256) (i32.const 8)))
;; A subscription to the monotonic clock at 512; one to stdin at 560.
(func $set_timer (param $ns i64)
    (i32.store8 (i32.const 520) (i32.const 0))
    (i32.store (i32.const 528) (i32.const 1))
    (i64.store (i32.const 536) (local.get $ns)))
(func $sleep (param $ns i64)
    (call $set_timer (local.get $ns))
    (drop (call $poll_oneoff (i32.const 512) (i32.const 768) (i32.const 1) (i32.const 8))))
(func $open (param $name i32) (param $size i32) (param $flags i32) (param $rights i64) (result i32)
    (if (call $path_open (i32.const 3) (i32.const 0) (local.get $name) (local.get $size) (local.get $flags)
            (local.get $rights) (local.get $rights) (i32.const 0) (i32.const 272)) (then (unreachable)))
    (i32.load (i32.const 272)))
"""

_COPY = """
(func $tell_kind (param $fd i32)
    (if (call $fd_fdstat_get (local.get $fd) (i32.const 288)) (then (unreachable)))
    (i32.store8 (i32.const 320) (select (i32.const 121) (i32.const 110)
        (i32.eq (i32.load8_u (i32.const 288)) (i32.const 2))))
    (call $print (i32.const 320) (i32.const 1)))
(func $copy (param $from i32) (local $size i32)
    (loop $again
        (local.set $size (call $read (local.get $from) (i32.const 65536) (i32.const 65536)))
        (if (local.get $size) (then
            (if (call $write (i32.const 1) (i32.const 65536) (local.get $size))
                (then (call $proc_exit (i32.const 32))))
            (br $again)))))
"""

_BODIES = {
    "hello": "(call $print (i32.const 1024) (i32.const 6))",
    "fail": """
        (call $print (i32.const 1024) (i32.const 6))
        (drop (call $write (i32.const 2) (i32.const 1030) (i32.const 4)))
        (call $proc_exit (i32.const 7))""",
    "cat": "(call $copy (i32.const 0))",
    "args": """
        (drop (call $args_sizes_get (i32.const 256) (i32.const 260)))
        (drop (call $args_get (i32.const 65536) (i32.const 131072)))
        (call $print (i32.const 131072) (i32.load (i32.const 260)))""",
    "env": """
        (drop (call $environ_sizes_get (i32.const 256) (i32.const 260)))
        (drop (call $environ_get (i32.const 65536) (i32.const 131072)))
        (call $print (i32.const 131072) (i32.load (i32.const 260)))""",
    "clock": "(call $clock (i32.const 0)) (call $clock (i32.const 1))",
    # What the calls about time give for what there is and is not; each error has a byte.
    "times": """
        (i32.store8 (i32.const 320) (call $clock_res_get (i32.const 1) (i32.const 256)))
        (i32.store8 (i32.const 321) (call $clock_res_get (i32.const 9) (i32.const 256)))
        (i32.store8 (i32.const 322) (call $clock_time_get (i32.const 2) (i64.const 0) (i32.const 264)))
        (i32.store8 (i32.const 323) (call $clock_time_get (i32.const 9) (i64.const 0) (i32.const 264)))
        (i32.store8 (i32.const 324) (call $sched_yield))
        (i32.store8 (i32.const 325)
            (call $poll_oneoff (i32.const 512) (i32.const 768) (i32.const 0) (i32.const 8)))
        (call $print (i32.const 256) (i32.const 16))
        (call $print (i32.const 320) (i32.const 6))""",
    # Sleeps until an hour behind the monotonic clock's zero; tells what that shows then.
    "until": """
        (call $set_timer (i64.const 3_600_000_000_000))
        (i32.store16 (i32.const 552) (i32.const 1))
        (drop (call $poll_oneoff (i32.const 512) (i32.const 768) (i32.const 1) (i32.const 8)))
        (call $clock (i32.const 1))""",
    # What is no stream any more, or not this way round; each error has a byte.
    "closed": """
        (i32.store8 (i32.const 320) (call $fd_close (i32.const 0)))
        (i32.store8 (i32.const 321) (call $fd_close (i32.const 0)))
        (i32.store8 (i32.const 322) (call $fd_read (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
        (i32.store8 (i32.const 323) (call $fd_close (i32.const 2)))
        (i32.store8 (i32.const 324) (call $fd_close (i32.const 2)))
        (i32.store8 (i32.const 325) (call $fd_fdstat_get (i32.const 2) (i32.const 288)))
        (i32.store8 (i32.const 326) (call $write (i32.const 2) (i32.const 1024) (i32.const 6)))
        (i32.store8 (i32.const 327) (call $fd_read (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (call $print (i32.const 320) (i32.const 8))""",
    "day": """
        (call $clock (i32.const 0))
        (call $sleep (i64.const 86_400_000_000_000))
        (call $clock (i32.const 0))""",
    "late": """
        (call $sleep (i64.const 86_400_000_000_000))
        (drop (call $write (call $open (i32.const 1043) (i32.const 8) (i32.const 1) (i64.const 64))
            (i32.const 1024) (i32.const 6)))""",
    "trap": "(call $print (i32.const 1024) (i32.const 6)) (unreachable)",
    "spin": "(call $print (i32.const 1024) (i32.const 6)) (loop (br 0))",
    "readfile": "(call $copy (call $open (i32.const 1034) (i32.const 9) (i32.const 0) (i64.const 2)))",
    "writefile": """
        (local $fd i32)
        (local.set $fd (call $open (i32.const 1043) (i32.const 8) (i32.const 9) (i64.const 64)))
        (drop (call $write (local.get $fd) (i32.const 1024) (i32.const 6)))
        (drop (call $fd_close (local.get $fd)))
        (drop (call $fd_close (i32.const 1)))
        (drop (call $write (i32.const 2) (i32.const 1030) (i32.const 4)))""",
    "random": """
        (drop (call $random_get (i32.const 65536) (i32.const 40)))
        (call $print (i32.const 65536) (i32.const 40))""",
    "yes": """
        (call $print (i32.const 1024) (i32.const 6))
        (loop
            (br_if 0 (i32.eqz (call $write (i32.const 1) (i32.const 131072) (i32.const 4096)))))
        (call $proc_exit (i32.const 32))""",
    # Says of 0, 1, 2 and a file whether they are terminals, by `y` and `n`.
    "isatty": """
        (call $tell_kind (i32.const 0))
        (call $tell_kind (i32.const 1))
        (call $tell_kind (i32.const 2))
        (call $tell_kind (call $open (i32.const 1034) (i32.const 9) (i32.const 0) (i64.const 2)))""",
    # Answers each piece of input with it in capitals; a `!` is the end.
    "upper": """
        (local $size i32) (local $at i32)
        (call $print (i32.const 1024) (i32.const 6))
        (loop $again
            (local.set $size (call $read (i32.const 0) (i32.const 65536) (i32.const 65536)))
            (if (i32.eqz (local.get $size)) (then (call $proc_exit (i32.const 5))))
            (local.set $at (i32.const 65536))
            (loop $next
                (if (i32.gt_u (i32.load8_u (local.get $at)) (i32.const 96)) (then
                    (i32.store8 (local.get $at) (i32.sub (i32.load8_u (local.get $at)) (i32.const 32)))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $at) (i32.add (i32.const 65536) (local.get $size)))))
            (call $print (i32.const 65536) (local.get $size))
            (br $again))""",
    # Waits an hour for input: says whether any came.
    "patient": """
        (call $set_timer (i64.const 3_600_000_000_000))
        (i32.store8 (i32.const 568) (i32.const 1))
        (i32.store (i32.const 576) (i32.const 0))
        (drop (call $poll_oneoff (i32.const 512) (i32.const 768) (i32.const 2) (i32.const 8)))
        (if (i32.load8_u (i32.const 778))
            (then (call $print (i32.const 1051) (i32.const 3)))
            (else (call $print (i32.const 1054) (i32.const 5))))""",
}
TOOLS = {name: f'(module {_HEAD} {_COPY} (func (export "_start") {body}))' for name, body in _BODIES.items()}
"""By name, in the text format of WebAssembly."""

NO_START = '(module (memory (export "memory") 1) (func (export "run")))'
NO_MEMORY = '(module (func (export "_start")))'
FOREIGN = '(module (import "env" "abort" (func)) (memory (export "memory") 1) (func (export "_start")))'


def put(folder: Path, name: str, text: str | None = None) -> Path:
    """The module ``name`` in the toolchain ``folder``; its file.

    Args:
        folder: made where it is missing.
        name: of one of :data:`TOOLS`, or of the one that ``text`` is.
        text: another module.
    """
    import wasmtime

    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.wasm"
    path.write_bytes(wasmtime.wat2wasm(TOOLS[name] if text is None else text))
    return path
