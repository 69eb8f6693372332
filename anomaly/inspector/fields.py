"""What each field of inspector.json may be: a file that others wrote is checked before it is used."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from anomaly.types import GOOD

MOST_ANSWERS = 8  # about drawn photos: each is judged at every loading
SIDES = range(32, 4097)  # of masks and heat, pixels
Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """That UTF-8 can hold: JSON may also name halves of letters."""
    try:
        return isinstance(value, str) and bool(value.encode() or True)
    except UnicodeEncodeError:
        return False


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def is_number(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not is_flag(value) and math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not is_flag(value) and 0 <= value < 2**32


def is_side(value: Any) -> bool:
    return isinstance(value, int) and not is_flag(value) and value in SIDES


def is_share(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def is_classes(value: Any) -> bool:
    names = list_of(is_text)(value) and all(value) and len({*value}) == len(value) > 1
    return names and value[0] == GOOD


def is_run(value: Any) -> bool:
    return table_of(is_text)(value) and bool(value.get("id") and value.get("name"))


def is_answer(value: Any) -> bool:
    """What an exported bundle says of a drawn photo."""
    if not isinstance(value, dict) or {*value} != {"seed", "log_proba"}:
        return False
    seed = value["seed"]
    return is_count(seed) and list_of(is_number)(value["log_proba"])


def list_of(holds: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(holds, value))


def table_of(holds: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(holds, value.values()))


FIELDS: dict[str, tuple[Check, str]] = {
    "kind": (lambda value: is_text(value) and value.isidentifier(), "the name of a kind of model"),
    "ensemble": (is_flag, "true or false"),
    "category": (is_text, "text"),
    "classes": (is_classes, f"at least two different names, {GOOD} first"),
    "grid": (is_side, f"a whole number from {SIDES[0]} to {SIDES[-1]}"),
    "temperature": (lambda value: is_number(value) and value > 0, "a number above 0"),
    "sorting_threshold": (is_share, "a number from 0 to 1"),
    "reject_below": (is_share, "a number from 0 to 1"),
    "validate_scores": (list_of(is_number), "a list of numbers"),
    "validate_defective": (list_of(is_flag), "a list of true and false"),
    "figures": (table_of(is_number), "names with a number each"),
    "evidence": (is_text, "text"),
    "outcomes": (table_of(is_flag), "images, each with true or false"),
    "run": (is_run, "texts, among them id and name"),
    "versions": (table_of(is_text), "names with a text each"),
    "created": (is_text, "text"),
    "runtime": (is_text, "the name of a runtime"),
    "golden": (
        lambda value: list_of(is_answer)(value) and len(value) <= MOST_ANSWERS,
        f"at most {MOST_ANSWERS} answers with a seed and log_proba each",
    ),
    "files": (table_of(is_text), "paths with a digest each"),
    "digest": (is_text, "text"),
}


def problem(content: Mapping[str, Any]) -> str | None:
    """What is wrong with the content of inspector.json; None if nothing is."""
    for name, (holds, words) in FIELDS.items():
        if name not in content:
            return f"lacks {name}"
        if not holds(content[name]):
            return f"has a wrong {name}, which must be {words}"
    scores, defective = content["validate_scores"], content["validate_defective"]
    if len(scores) != len(defective):
        return "has validate_scores and validate_defective of different lengths"
    if any(len(answer["log_proba"]) != len(content["classes"]) for answer in content["golden"]):
        return "has golden answers of other classes"
    return None
