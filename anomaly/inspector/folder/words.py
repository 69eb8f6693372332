"""How counts, chances and lists are written in the sentences about a judged folder."""

from __future__ import annotations

from collections.abc import Sequence

from anomaly.data.importers.layout import printable

TINY = 0.001  # a smaller p is written as p < 0.001


def chance(p: float) -> str:
    """A probability under the assumption that nothing has changed."""
    return f"p < {TINY}" if p < TINY else f"p = {p:.3f}"


def photos(count: int) -> str:
    """So many photos."""
    return f"{count} photo" if count == 1 else f"{count} photos"


def listed(names: Sequence[str]) -> str:
    """At least one name, as in "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def one_line(name: str) -> str:
    """A path that can be printed and stays on its line, whatever it holds."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in printable(name)
    )
