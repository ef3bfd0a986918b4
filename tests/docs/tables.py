"""The table of settings in docs/configuration.md, made from them. `python -m tests.docs.tables` writes it."""

from __future__ import annotations

import re

from pytest_proctape.settings import KEYS, Settings
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "configuration.md"
_TABLE = re.compile(r"(<!-- settings:[^\n]*-->\n)(.*?)(<!-- /settings -->\n)", re.DOTALL)


def settings_table() -> str:
    """A line for each setting: ini key, argument, default, what it means."""
    default = Settings()
    lines = ["| ini file | marker, `tape_config`, `use_tape` | default | |\n", "| --- | --- | --- | --- |\n"]
    for key in KEYS:
        value = getattr(default, key.name)
        shown = " ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
        cells = (
            f"`{key.ini_name}`",
            f"`{key.name}=`" if key.marker else "",
            f"`{shown}`" if shown and value is not None else "",
            key.help.replace("|", "\\|"),
        )
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def table_in(text: str) -> str:
    """The table as ``text`` has it."""
    found = _TABLE.search(text)
    assert found, f"{PAGE.name} has no table of settings"
    return found[2]


def main() -> None:
    """Write the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLE.sub(lambda found: found[1] + settings_table() + found[3], text), encoding="utf-8")


if __name__ == "__main__":
    main()
