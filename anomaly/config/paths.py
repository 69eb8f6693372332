"""Where conf/ lies, and which groups and options its files are."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
INSTALLED = PACKAGE / "conf"  # there in an installed package; in a clone it lies beside the package
CONF = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent / "conf"


def groups() -> set[str]:
    """The groups of which a command line may choose an option."""
    return {folder.name for folder in CONF.iterdir() if folder.is_dir()}


def options(group: str) -> list[str]:
    """The options of a group, sorted."""
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))
