"""The names of the room come when they are used, and those of one load together."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from pytest_proctape import effects

assert "pytest_proctape.effects.applying" not in sys.modules
names = vars(sys.modules[effects.apply.__module__])
for name in [name for name in sys.modules if name.startswith("pytest_proctape.effects.")]:
    del sys.modules[name]
assert effects.OutsideError is names["OutsideError"]
assert effects.Roots is names["Roots"]
assert "Watch" not in vars(effects)
assert effects.Watch.__name__ == "Watch"
"""


def test_names_of_one_load_stay_together_when_its_modules_are_forgotten() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
