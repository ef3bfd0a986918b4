"""The README's table of settings, made from the settings. `python -m tests.docs.tables` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_proctape.settings import KEYS, Settings

README = Path(__file__).parents[2] / "README.md"
_TABLE = re.compile(r"(<!-- settings:[^\n]*-->\n)(.*?)(<!-- /settings -->\n)", re.DOTALL)


def settings_table() -> str:
    """A line for each setting: ini key, argument, default, what it means."""
    default = Settings()
    lines = ["| ini file | marker, `tape_config`, `use_tape` | default | |\n", "| --- | --- | --- | --- |\n"]
    for key in KEYS:
        value = getattr(default, key.name)
        shown = " ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
        cells = (
            f"`{key.ini_name}`" if key.ini else "",
            f"`{key.name}=`" if key.marker else "",
            f"`{shown}`" if shown and value is not None else "",
            key.help.replace("|", "\\|"),
        )
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def table_in(text: str) -> str:
    """The table as ``text`` has it."""
    found = _TABLE.search(text)
    assert found, "README.md has no table of settings"
    return found[2]


def main() -> None:
    """Write the table into the README."""
    text = README.read_text(encoding="utf-8")
    README.write_text(
        _TABLE.sub(lambda found: found[1] + settings_table() + found[3], text), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
