"""The README and the pages of the documentation, as the tests read them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (README, *sorted(ROOT.glob("docs/*.md")))


def text() -> str:
    """All of them, one behind the other."""
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
