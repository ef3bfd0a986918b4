"""The virtual toolchain: WebAssembly modules that run in the place of programs, inside of this process.

The session imports this room once a toolchain is asked for, and not before: it needs wasmtime, which only
the extra ``pytest-proctape[wasi]`` brings. :class:`Toolchain` finds the module for a spawn,
:class:`ModuleChild` is the child that the parent gets.
"""

from .child import BUDGET, ModuleChild
from .clocks import ToolTime
from .program import Request
from .toolchain import Tool, Toolchain

__all__ = ["BUDGET", "ModuleChild", "Request", "Tool", "ToolTime", "Toolchain"]
