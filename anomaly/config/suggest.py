"""What a mistyped key was probably meant to be, or else what there is to choose from."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

ALIKE = 0.6  # how like a right key a typo among its siblings is
SAME = 0.8  # and one that stands under the wrong parent


def advice(key: str, known: Iterable[str]) -> str:
    """The end of the sentence that refuses `key`, given the full paths of the `known` ones."""
    paths = [path for path in known if not f"{path}.".startswith(f"{key}.")]
    parent, _, leaf = key.rpartition(".")
    siblings = _children(parent, paths)
    near = _near(leaf, siblings, ALIKE)
    if not (parent and siblings):  # the parent may be the typo
        near = near or _near(key, {path: path for path in paths}, ALIKE)
    if near := near or _elsewhere(leaf, paths):
        return f"; did you mean {near}?"
    if parent and siblings:
        return f"; {parent} has {', '.join(siblings)}"
    return "; `python train.py --cfg job` lists them all"


def _children(parent: str, paths: Iterable[str]) -> dict[str, str]:
    """{name: path} of what stands directly below `parent`, sorted."""
    prefix = f"{parent}." if parent else ""
    below = {p.removeprefix(prefix).split(".")[0] for p in paths if p.startswith(prefix)}
    return {name: prefix + name for name in sorted(below)}


def _elsewhere(leaf: str, paths: Iterable[str]) -> str | None:
    """The same name under another parent, the shallowest first."""
    deepest_first = sorted(paths, key=lambda path: (-path.count("."), path))
    return _near(leaf, {path.split(".")[-1]: path for path in deepest_first}, SAME)


def _near(word: str, places: dict[str, str], cutoff: float) -> str | None:
    """The place of the name that is like `word`, or that it is short for: lr, learning_rate."""
    names = get_close_matches(word, places, 1, cutoff) or [
        name for name in places if "_" in name and word == "".join(p[:1] for p in name.split("_"))
    ]
    return places[names[0]] if names else None
