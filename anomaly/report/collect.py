"""Brings together what runs left and what it is worth, category by category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from anomaly.report.evidence import Evidence, read, right, truth
from anomaly.report.groups import Group, arrange
from anomaly.report.runs import Row
from anomaly.runtime.progress import track

if TYPE_CHECKING:
    from mlflow import MlflowClient


def read_all(client: MlflowClient, chosen: Sequence[Row]) -> dict[str, Evidence]:
    """{run id: its evidence}.

    Raises:
        InputError: the store cannot be read.
    """
    reading = track(chosen, "reading runs", len(chosen))
    return {row.id: read(client, row.id) for row in reading}


def arranged(
    client: MlflowClient,
    found: Sequence[Row],
    chosen: Sequence[Row],
    seen: Mapping[str, Evidence],
    metric: str,
    against: Row | None,
) -> dict[str, list[Group]]:
    """{category: its groups of the chosen runs}; any run that was found may know the truth.

    Raises:
        InputError: the store cannot be read.
    """
    categories = {}
    for name in sorted({row.category for row in chosen}):
        siblings = [row.id for row in found if row.category == name]
        own = [row for row in chosen if row.category == name]
        images = {image for row in own for image in seen[row.id].called}
        true = truth(client, siblings, images)
        outcomes = {row.id: right(seen[row.id].called, true) for row in own}
        categories[name] = arrange(own, outcomes, metric, against)
    return categories
