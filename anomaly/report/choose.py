"""Which runs the command line asks for, and the sentence for a name that is none of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from anomaly.errors import InputError
from anomaly.metrics.direction import EVIDENCE
from anomaly.report.runs import Row

EVERY = "all"  # roles
LISTED = 20  # names in one sentence


def of_categories(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The rows of these categories, or all where none is named.

    Raises:
        InputError: a category has no run.
    """
    known = sorted({row.category for row in rows})
    for name in names:
        if name not in known:
            raise InputError(f"--category {name} has no finished run{hint(name, known)}")
    return [row for row in rows if row.category in (names or known)]


def of_role(rows: Sequence[Row], role: str) -> list[Row]:
    """The rows of this role.

    Raises:
        InputError: there is none.
    """
    known = sorted({row.tags["role"] for row in rows})
    chosen = [row for row in rows if role in (EVERY, row.tags["role"])]
    if not chosen:
        raise InputError(f"--role {role}: none of the finished runs is one{hint(role, known)}")
    return chosen


def with_tag(rows: Sequence[Row], condition: str) -> list[Row]:
    """The rows that carry the tag of a condition "TAG=VALUE".

    Raises:
        InputError: it is no such condition, or there is none.
    """
    tag, equals, value = condition.partition("=")
    if not equals:
        raise InputError(f"--where {condition} must be TAG=VALUE, such as model=mobilenetv2")
    tags = sorted({tag for row in rows for tag in row.tags if not tag.startswith("mlflow.")})
    if tag not in tags:
        raise InputError(f"--where {condition}: no run has the tag {tag}{hint(tag, tags)}")
    values = sorted({row.tags[tag] for row in rows if tag in row.tags})
    if value not in values:
        raise InputError(f"--where {condition}: no run has that value{hint(value, values)}")
    return [row for row in rows if row.tags.get(tag) == value]


def metric(rows: Sequence[Row], name: str) -> str:
    """The name, if it is a metric of some row.

    Raises:
        InputError: it is none.
    """
    known = sorted({m for row in rows for m in row.metrics if not m.endswith(EVIDENCE)})
    if name not in known:
        raise InputError(f"--sort {name} is not a metric of these runs{hint(name, known)}")
    return name


def run(rows: Sequence[Row], wanted: str) -> Row:
    """The run of that id, of an id that begins so, or of that name.

    Raises:
        InputError: there is none, or more than one.
    """
    found = [row for row in rows if wanted == row.name or row.id.startswith(wanted)]
    if not found:
        known = sorted({row.name for row in rows})
        raise InputError(f"--against {wanted} is none of these runs{hint(wanted, known)}")
    if len(found) > 1:
        ids = ", ".join(row.id for row in found)
        raise InputError(f"--against {wanted} names {len(found)} runs; give one id of {ids}")
    return found[0]


def hint(word: str, known: Iterable[str]) -> str:
    """What may be meant, and what there is."""
    names = [name for name in known if name]
    near = get_close_matches(word, names, 1)
    meant = f"; did you mean {near[0]}?" if near else ""
    listed = [*names[:LISTED], *["..."] * (len(names) > LISTED)]
    return f"{meant} (there is: {', '.join(listed)})"
