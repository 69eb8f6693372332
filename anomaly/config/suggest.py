"""The end of the sentence that refuses a name: what was probably meant, or what there is."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

SIMILAR = 0.6  # of a typo to a right name that could stand in its place; 1 for equal ones
VERY_SIMILAR = 0.8  # of a key to one below another section
LISTED = 30  # names in one sentence


def suggest_name(name: str, known: Iterable[str]) -> str:
    """`; did you mean THIS? (one of: THIS, THAT)`, for one of some names."""
    names = [each for each in known if each]
    more = ["..."] if len(names) > LISTED else []
    meant = _nearest(name, {each: each for each in names}, SIMILAR)
    return f"{_did_you_mean(meant) if meant else ''} (one of: {', '.join(names[:LISTED] + more)})"


def suggest_key(key: str, known: Iterable[str]) -> str:
    """`; did you mean trainer.epochs?`, given all known keys in full, or what the section has."""
    keys = [other for other in known if not f"{other}.".startswith(f"{key}.")]
    section, _, leaf = key.rpartition(".")
    siblings = _children(section, keys)
    meant = _nearest(leaf, siblings, SIMILAR)
    if not (section and siblings):  # the typo may be in the section
        meant = meant or _nearest(key, {other: other for other in keys}, SIMILAR)
    if meant := meant or _elsewhere(leaf, keys):
        return _did_you_mean(meant)
    if section and siblings:
        return f"; {section} has {', '.join(siblings)}"
    return "; `python train.py --cfg job` lists them all"


def _did_you_mean(name: str) -> str:
    return f"; did you mean {name}?"


def _children(section: str, keys: Iterable[str]) -> dict[str, str]:
    """{name: key} of what stands directly below a section, sorted."""
    prefix = f"{section}." if section else ""
    below = {k.removeprefix(prefix).split(".")[0] for k in keys if k.startswith(prefix)}
    return {name: prefix + name for name in sorted(below)}


def _elsewhere(leaf: str, keys: Iterable[str]) -> str | None:
    """The same name below another section, the shallowest first."""
    deepest_first = sorted(keys, key=lambda key: (-key.count("."), key))
    return _nearest(leaf, {key.split(".")[-1]: key for key in deepest_first}, VERY_SIMILAR)


def _nearest(word: str, keys: dict[str, str], cutoff: float) -> str | None:
    """The key of the name that is like `word`, or that it abbreviates: lr, learning_rate."""
    names = get_close_matches(word, keys, 1, cutoff) or [
        name for name in keys if "_" in name and word == "".join(p[:1] for p in name.split("_"))
    ]
    return keys[names[0]] if names else None
