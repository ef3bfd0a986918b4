"""What a run ran on, in words that name no machine. The command prints it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path


def described() -> dict[str, str]:
    """The processor, the system and the interpreter."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": load(),
    }


def load() -> str:
    """How many processes want to run, on average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
