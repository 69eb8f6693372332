"""Reads what runs left and groups the runs, category by category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from anomaly.report.artifacts import Artifacts, correctness, read, true_classes
from anomaly.report.groups import Group, arrange
from anomaly.report.runs import Row
from anomaly.runtime.progress import track

if TYPE_CHECKING:
    from mlflow import MlflowClient


def read_artifacts(client: MlflowClient, rows: Sequence[Row]) -> dict[str, Artifacts]:
    """{run id: its artifacts}.

    Raises:
        InputError: the store cannot be read.
    """
    return {row.id: read(client, row.id) for row in track(rows, "reading runs", len(rows))}


def group_by_category(
    client: MlflowClient,
    runs: Sequence[Row],
    chosen: Sequence[Row],
    artifacts: Mapping[str, Artifacts],
    metric: str,
    reference: Row | None,
) -> dict[str, list[Group]]:
    """{category: groups of its chosen runs}.

    Args:
        runs: all finished ones, of which any may list the true classes.
        artifacts: of the chosen runs, by id.
        metric, reference: as in `groups.arrange`.

    Raises:
        InputError: the store cannot be read.
    """
    categories = {}
    for name in sorted({row.category for row in chosen}):
        rows = [row for row in chosen if row.category == name]
        predicted = {row.id: artifacts[row.id].predicted for row in rows}
        images = {image for classes in predicted.values() for image in classes}
        known = true_classes(client, [row.id for row in runs if row.category == name], images)
        outcomes = {run_id: correctness(classes, known) for run_id, classes in predicted.items()}
        categories[name] = arrange(rows, outcomes, metric, reference)
    return categories
