"""What a run is called among others: its name, and the settings in which it differs from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anomaly.report.runs import Row

# A choice stands for all parameters below it: augment=none is clearer than the list of them.
CHOICES = ("experiment", "data", "model", "backbone", "augment", "optimizer", "trainer", "ensemble")
# Where a run was made does not change its result; its fold is in the title of its group.
PLACES = ("data.root", "data.fold", "output", "tracking.uri", "cache.gigabytes")
SHOWN = 4  # settings in a label; the CSV file has all of them


def settings(row: Row) -> dict[str, str]:
    """The choices of a run, then its parameters, under the names that a user types."""
    chosen = {slot: row.tags[slot] for slot in CHOICES if row.tags.get(slot)}
    return chosen | {k: v for k, v in row.params.items() if k not in PLACES}


def differing(rows: Sequence[Row]) -> list[str]:
    """The settings that are not the same for all rows."""
    every = [settings(row) for row in rows]
    keys = dict.fromkeys(key for one in every for key in one)
    return [key for key in keys if len({one.get(key) for one in every}) > 1]


def labels(rows: Sequence[Row]) -> dict[str, str]:
    """{run id: a label that no other row has}: settings where names repeat, times where both do."""
    names = {row.id: row.name for row in rows}
    names = {row.id: _with_settings(row, _namesakes(rows, names, row)) for row in rows}
    return {row.id: _with_time(row, names[row.id], _namesakes(rows, names, row)) for row in rows}


def _namesakes(rows: Sequence[Row], names: Mapping[str, str], row: Row) -> list[Row]:
    return [other for other in rows if names[other.id] == names[row.id]]


def _with_settings(row: Row, namesakes: Sequence[Row]) -> str:
    keys = _independent(differing(namesakes))
    values = settings(row)
    words = [f"{key}={values.get(key, 'none')}" for key in keys[:SHOWN]]
    rest = [f"{len(keys) - SHOWN} more"] if len(keys) > SHOWN else []
    return ", ".join([row.name, *words, *rest])


def _independent(keys: Sequence[str]) -> list[str]:
    """Without the parameters that follow from a choice."""
    choices = {key for key in keys if key in CHOICES}
    return [key for key in keys if key in choices or key.split(".")[0] not in choices]


def _with_time(row: Row, label: str, namesakes: Sequence[Row]) -> str:
    """With the time if the same run was made again; with the id if that was in the same second."""
    if len(namesakes) == 1:
        return label
    times = [f"{other.started:%Y-%m-%d %H:%M:%S}" for other in namesakes]
    time = f"{row.started:%Y-%m-%d %H:%M:%S}"
    return f"{label}, {time}" if times.count(time) == 1 else f"{label}, {time}, {row.id}"
