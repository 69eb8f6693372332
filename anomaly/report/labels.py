"""What to call a run among others: its name, and the settings that set it apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anomaly.report.runs import Row

# A choice stands for all the parameters below it: augment=none says more than what it lacks.
CHOICES = ("experiment", "data", "model", "backbone", "augment", "optimizer", "trainer", "ensemble")
# Where a run was made says nothing of what was made; its fold is said by the group.
PLACES = ("data.root", "data.fold", "output", "tracking.uri", "cache.gigabytes")
NAMED = 4  # settings in a label; all of them are in the table file


def settings(row: Row) -> dict[str, str]:
    """The choices of a run, then its parameters, by what a user types for them."""
    chosen = {slot: row.tags[slot] for slot in CHOICES if row.tags.get(slot)}
    return chosen | {k: v for k, v in row.params.items() if k not in PLACES}


def differing(rows: Sequence[Row]) -> list[str]:
    """The settings that are not the same for all rows."""
    every = [settings(row) for row in rows]
    keys = dict.fromkeys(key for one in every for key in one)
    return [key for key in keys if len({one.get(key) for one in every}) > 1]


def labels(rows: Sequence[Row]) -> dict[str, str]:
    """{run id: a text of its own}; settings only where names repeat, times where those do."""
    names = {row.id: row.name for row in rows}
    names = {row.id: _with_settings(row, _namesakes(rows, names, row)) for row in rows}
    return {row.id: _with_time(row, names[row.id], _namesakes(rows, names, row)) for row in rows}


def _namesakes(rows: Sequence[Row], names: Mapping[str, str], row: Row) -> list[Row]:
    return [other for other in rows if names[other.id] == names[row.id]]


def _with_settings(row: Row, namesakes: Sequence[Row]) -> str:
    keys = _telling(differing(namesakes))
    own = settings(row)
    words = [f"{key}={own.get(key, 'none')}" for key in keys[:NAMED]]
    rest = [f"{len(keys) - NAMED} more"] if len(keys) > NAMED else []
    return ", ".join([row.name, *words, *rest])


def _telling(keys: Sequence[str]) -> list[str]:
    """Without the parameters that follow from a choice."""
    choices = {key for key in keys if key in CHOICES}
    return [key for key in keys if key in choices or key.split(".")[0] not in choices]


def _with_time(row: Row, label: str, namesakes: Sequence[Row]) -> str:
    """The same run, made again, is told apart by when; in the same second, by its id."""
    if len(namesakes) == 1:
        return label
    times = [f"{other.started:%Y-%m-%d %H:%M:%S}" for other in namesakes]
    own = f"{row.started:%Y-%m-%d %H:%M:%S}"
    return f"{label}, {own}" if times.count(own) == 1 else f"{label}, {own}, {row.id}"
