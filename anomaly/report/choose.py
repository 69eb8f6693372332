"""Which runs the command line asks for; a name that no run has gets one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from anomaly.config.suggest import suggest_name
from anomaly.errors import InputError
from anomaly.metrics.catalogue import EVIDENCE, TABLE
from anomaly.metrics.catalogue import metric as catalogue_metric
from anomaly.report.runs import Row

EVERY = "all"  # roles


def of_categories(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The rows of these categories; all rows where no category is named.

    Raises:
        InputError: a category has no run.
    """
    known = sorted({row.category for row in rows})
    for name in names:
        if name not in known:
            raise InputError(f"--category {name} has no finished run{suggest_name(name, known)}")
    return [row for row in rows if row.category in (names or known)]


def of_role(rows: Sequence[Row], role: str) -> list[Row]:
    """The rows of this role, or of every one.

    Raises:
        InputError: no run has it.
    """
    known = sorted({row.tags["role"] for row in rows})
    chosen = [row for row in rows if role in (EVERY, row.tags["role"])]
    if not chosen:
        raise InputError(f"--role {role}: no finished run has this role{suggest_name(role, known)}")
    return chosen


def with_tag(rows: Sequence[Row], condition: str) -> list[Row]:
    """The rows with the tag of a condition "TAG=VALUE".

    Raises:
        InputError: the condition has another form, or no run meets it.
    """
    tag, equals, value = condition.partition("=")
    if not equals:
        raise InputError(f"--where {condition} must be TAG=VALUE, such as model=mobilenetv2")
    tags = sorted({tag for row in rows for tag in row.tags if not tag.startswith("mlflow.")})
    if tag not in tags:
        raise InputError(f"--where {condition}: no run has the tag {tag}{suggest_name(tag, tags)}")
    values = sorted({row.tags[tag] for row in rows if tag in row.tags})
    if value not in values:
        raise InputError(f"--where {condition}: no run has this value{suggest_name(value, values)}")
    return [row for row in rows if row.tags.get(tag) == value]


def first_metric(rows: Sequence[Row]) -> str:
    """The first figure of the catalogue that some row has; accuracy, unless none names classes."""
    present = {name for row in rows for name in row.metrics}
    names = [catalogue_metric("val", name) for name in TABLE]
    return next((name for name in names if name in present), names[0])


def metric(rows: Sequence[Row], name: str) -> str:
    """The name, if some row has such a metric.

    Raises:
        InputError: none has.
    """
    known = sorted({m for row in rows for m in row.metrics if not m.endswith(EVIDENCE)})
    if name not in known:
        raise InputError(f"--sort {name} is not a metric of these runs{suggest_name(name, known)}")
    return name


def run(rows: Sequence[Row], name: str) -> Row:
    """The run of this name, or whose id is or begins with it.

    Raises:
        InputError: there is none, or more than one.
    """
    matching = [row for row in rows if name == row.name or row.id.startswith(name)]
    if not matching:
        known = sorted({row.name for row in rows})
        raise InputError(f"--against {name} is none of these runs{suggest_name(name, known)}")
    if len(matching) > 1:
        ids = ", ".join(row.id for row in matching)
        raise InputError(f"--against {name} matches {len(matching)} runs; give one of {ids}")
    return matching[0]
