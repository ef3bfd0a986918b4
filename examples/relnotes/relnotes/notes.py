"""The release notes themselves, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .history import Commit, commits
from .people import co_authors, contributors

_HEADINGS = {"feat": "Features", "fix": "Fixes", "perf": "Performance", "docs": "Documentation"}
_BREAKING = "Breaking changes"
_OTHER = "Other changes"


def release_notes(repo: Path, since: str, until: str) -> str:
    """What is new in `until` for somebody who has `since`.

    Raises:
        ToolFailed: one of the revisions is unknown.
    """
    history = commits(repo, since, until)
    parts = [f"# {until}"]
    for heading, members in grouped(history).items():
        parts.append("\n".join([f"## {heading}", "", *map(_item, members)]))
    names = [f"{name} ({count})" for name, count in contributors(repo, since, until).items()]
    if names:
        parts.append(f"Made by {', '.join([*names, *co_authors(repo, history)])}.")
    return "\n\n".join(parts) + "\n"


def grouped(history: Iterable[Commit]) -> dict[str, list[Commit]]:
    """Commits under their headings, in the order of the headings; those without commits are left out."""
    groups: dict[str, list[Commit]] = {heading: [] for heading in (_BREAKING, *_HEADINGS.values(), _OTHER)}
    for commit in history:
        groups[_BREAKING if commit.breaking else _HEADINGS.get(commit.kind, _OTHER)].append(commit)
    return {heading: members for heading, members in groups.items() if members}


def _item(commit: Commit) -> str:
    scope = f"**{commit.scope}**: " if commit.scope else ""
    return f"- {scope}{commit.summary} ({commit.hash[:8]})"
