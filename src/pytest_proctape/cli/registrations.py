"""Registrations of pytest-subprocess: Python source to tapes. ``convert`` calls :func:`read_registrations`.

The source is parsed and never run. A call of ``register`` on the fixture (``fp``, ``fake_process``, an
argument annotated ``FakeProcess``, a ``FakeProcess()`` or ``fp.context()`` of a with statement) inside a
test function becomes entries of that test, in the order of the source, if everything in it is literal or
a name that is bound once, to a literal. What the arguments mean is as ``fake_process.py`` and
``fake_popen.py`` of pytest-subprocess 1.5 have it: text is split like a shell does, a list of outputs is
lines, ``wait`` is seconds, a negative ``returncode`` is a signal.

A callable, a pattern, a loop or a condition can't be known without running them. They are told with
their lines, and are the reader's to bring over.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from ..errors import TapeCorrupt
from ..tape import Entry, Tape, encode
from .reading import Owned, Unconvertible, end_fields, node_id, read_source

_FIXTURES = frozenset({"fp", "fake_process", "fake_subprocess"})
_REGISTER = frozenset({"register", "register_subprocess"})
_ELSEWHERE = {
    "pass_command": "runs a real process: name the command in tapes_live",
    "allow_unregistered": "lets real processes run: name the commands in tapes_live",
    "keep_last_process": "answers any number of times; an entry answers once",
}
_PARAMETERS = (
    "command",
    "stdout",
    "stderr",
    "returncode",
    "wait",
    "callback",
    "callback_kwargs",
    "signal_callback",
    "occurrences",
    "stdin_callable",
)
_CALLABLES = frozenset({"callback", "callback_kwargs", "signal_callback", "stdin_callable"})
_MOST = 10_000
"""Occurrences of one registration."""

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_BRANCHES = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.Match, ast.Lambda, ast.comprehension)


class _NotLiteral(Exception):
    """Told as it is, behind the place."""


def read_registrations(path: Path, root: Path) -> tuple[list[Owned], list[Unconvertible]]:
    """The tapes of a module's tests, and what in it could not be converted.

    Args:
        path: the module.
        root: of the project, which node ids are relative to.

    Raises:
        TapeCorrupt: it is no Python.
        UsageError: it is not there.
    """
    try:
        module = ast.parse(read_source(path), str(path))
        return _read(module, path, root)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        # The last two: nested deeper than Python goes.
        raise TapeCorrupt(path, f"not Python: {error}", expected="a module of tests") from None


def _read(module: ast.Module, path: Path, root: Path) -> tuple[list[Owned], list[Unconvertible]]:
    constants = _literals(module)
    owned = []
    problems: list[Unconvertible] = []
    seen: set[int] = set()
    for names, function in _tests(module):
        reader = _Reader(str(path), function, constants)
        entries = reader.entries()
        seen.update(id(call) for call in reader.calls)
        problems += reader.problems
        if entries and _is_parametrized(function):
            told = "the test is parametrized, and which cases it has can't be known; record it instead"
            problems.append(Unconvertible(str(path), function.lineno, told))
        elif entries:
            owned.append(Owned(node_id(path, root, "::".join(names)), Tape(entries=tuple(entries))))
    for call in _registering(module, _FIXTURES):
        if id(call) not in seen:
            told = "a registration outside of a test: whose it is can't be known"
            problems.append(Unconvertible(str(path), call.lineno, told))
    return owned, sorted(problems, key=lambda one: one.line)


class _Reader:
    """Reads the registrations of one test function."""

    def __init__(self, source: str, function: _Function, constants: dict[str, ast.expr]) -> None:
        self._source = source
        self._function = function
        self._constants = {**constants, **_literals(function)}
        for argument in _arguments(function):
            # It hides a constant of the module.
            self._constants.pop(argument.arg, None)
        self.calls: list[ast.Call] = []
        self.problems: list[Unconvertible] = []

    def entries(self) -> list[Entry]:
        """The entries, in the order of the source."""
        found: list[Entry] = []
        doubtful = {id(call) for call in self._doubtful()}
        names = _fixture_names(self._function)
        for call in sorted(_registering(self._function, names), key=lambda one: (one.lineno, one.col_offset)):
            self.calls.append(call)
            assert isinstance(call.func, ast.Attribute)
            if call.func.attr in _ELSEWHERE:
                self._problem(call, f"{call.func.attr}() {_ELSEWHERE[call.func.attr]}")
            elif id(call) in doubtful:
                self._problem(
                    call, "inside a loop, a condition or a function: how often it runs can't be known"
                )
            else:
                try:
                    found += self._of_call(call)
                except (_NotLiteral, ValueError) as error:
                    self._problem(call, str(error).splitlines()[0])
        return found

    def _problem(self, call: ast.Call, problem: str) -> None:
        self.problems.append(Unconvertible(self._source, call.lineno, problem))

    def _doubtful(self) -> Iterator[ast.AST]:
        for node in ast.walk(self._function):
            if node is not self._function and isinstance(node, (*_BRANCHES, *_Function.__args__)):
                yield from ast.walk(node)

    def _of_call(self, call: ast.Call) -> list[Entry]:
        values = dict(self._values(call))
        command = values.get("command")
        program, *args = _argv(command)
        returncode = values.get("returncode", 0)
        end = end_fields(returncode) if type(returncode) is int else None
        if end is None:
            raise _NotLiteral(f"returncode is {returncode!r}: no process ends with it")
        wait = values.get("wait") or 0
        occurrences = values.get("occurrences", 1)
        if type(occurrences) is not int or not 0 <= occurrences <= _MOST:
            raise _NotLiteral(f"occurrences is {occurrences!r}")
        entry = Entry.model_validate(
            {
                "program": program,
                "args": tuple(args),
                "stdout": encode(_output(values.get("stdout"), "stdout")),
                "stderr": encode(_output(values.get("stderr"), "stderr")),
                "duration_ms": round(wait * 1000, 6) if isinstance(wait, int | float) else 0.0,
                **end,
            }
        )
        return [entry] * occurrences

    def _values(self, call: ast.Call) -> Iterator[tuple[str, object]]:
        if len(call.args) > len(_PARAMETERS):
            raise _NotLiteral("more arguments than register() has")
        # A starred argument and ** have no name of their own.
        written = [
            *zip(_PARAMETERS, call.args, strict=False),
            *((one.arg, one.value) for one in call.keywords),
        ]
        for name, node in written:
            if name is None or isinstance(node, ast.Starred):
                raise _NotLiteral("unpacked arguments can't be known without running them")
            if name not in _PARAMETERS:
                raise _NotLiteral(f"register() has no argument {name}")
            value = None if _is_none(node) else self._value(node, name)
            if name in _CALLABLES and value is not None:
                raise _NotLiteral(f"{name} is code; record the test instead")
            yield name, value

    def _value(self, node: ast.expr, name: str) -> object:
        """The value of a literal.

        Raises:
            _NotLiteral: it isn't one.
        """
        if name in _CALLABLES:
            return node
        node = self._constants.get(node.id, node) if isinstance(node, ast.Name) else node
        if isinstance(node, ast.List | ast.Tuple):
            return [self._value(one, name) for one in node.elts]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._value(node.left, name), self._value(node.right, name)
            for kind in (str, bytes, list):
                if isinstance(left, kind) and isinstance(right, kind):
                    return left + right  # type: ignore[operator]  # both are of one kind
        if isinstance(node, ast.Call):
            raise _NotLiteral(
                f"{name} holds {ast.unparse(node)[:60]}, which no literal says; write it by hand"
            )
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, RecursionError, MemoryError):
            raise _NotLiteral(f"{name} is not literal: {ast.unparse(node)[:60]}") from None


def _argv(command: object) -> list[str]:
    if isinstance(command, str):
        command = shlex.split(command)
    if isinstance(command, list) and command and all(isinstance(one, str) for one in command):
        return command
    raise _NotLiteral("command is neither text nor a list of texts")


def _output(value: object, name: str) -> bytes:
    """As ``FakePopen._prepare_buffer`` has it: lines of a list are ended, text stands as it is."""
    if value is None:
        return b""
    if isinstance(value, list):
        return b"".join(_output(one, name) + b"\n" for one in value)
    if isinstance(value, str | bytes):
        return value.encode() if isinstance(value, str) else value
    raise _NotLiteral(f"{name} is neither text nor bytes nor a list of them")


def _tests(module: ast.Module) -> Iterator[tuple[list[str], _Function]]:
    """Every test function with its names, the classes first."""
    pending: list[tuple[list[str], Sequence[ast.stmt]]] = [([], module.body)]
    while pending:
        above, body = pending.pop(0)
        for node in body:
            if isinstance(node, ast.ClassDef):
                pending.append(([*above, node.name], node.body))
            elif isinstance(node, _Function) and node.name.startswith("test"):
                yield [*above, node.name], node


def _registering(tree: ast.AST, names: frozenset[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on = node.func.value
            known = node.func.attr in _REGISTER or node.func.attr in _ELSEWHERE
            if known and isinstance(on, ast.Name) and on.id in names:
                yield node


def _fixture_names(function: _Function) -> frozenset[str]:
    names = set(_FIXTURES)
    for argument in _arguments(function):
        if argument.annotation is not None and "FakeProcess" in ast.unparse(argument.annotation):
            names.add(argument.arg)
    for node in ast.walk(function):
        for item in node.items if isinstance(node, ast.With | ast.AsyncWith) else ():
            made = ast.unparse(item.context_expr)
            if isinstance(item.optional_vars, ast.Name) and (
                made.endswith(("FakeProcess()", "FakeProcess.context()"))
                or made in {f"{name}.context()" for name in names}
            ):
                names.add(item.optional_vars.id)
    return frozenset(names)


def _arguments(function: _Function) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _literals(scope: ast.Module | _Function) -> dict[str, ast.expr]:
    """Names that are bound once in ``scope``, by a plain assignment at its top: to what."""
    bound: dict[str, ast.expr] = {}
    for statement in scope.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                bound[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                bound[name] = value
    times: dict[str, int] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            times[node.id] = times.get(node.id, 0) + 1
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            # names.append(...) changes what the name stands for.
            times[node.value.id] = times.get(node.value.id, 0) + 1
    return {name: value for name, value in bound.items() if times.get(name) == 1 and not _loops(name, value)}


def _loops(name: str, value: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(value))


def _is_parametrized(function: _Function) -> bool:
    return any("parametrize" in ast.unparse(one) for one in function.decorator_list)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
