"""Pools folds that an earlier, interrupted sweep finished."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anomaly.errors import InputError
from anomaly.run import prepare, workflow
from anomaly.sweep.plan import Child
from anomaly.tracking import nest
from anomaly.tracking.names import DESCRIPTION


def pool_skipped(children: Sequence[Child], sweep: Path) -> None:
    """Pool skipped folds that have no pooled result; a child whose folds cannot be pooled fails."""
    skipped = [child for child in children if child.state == "skipped"]
    folds = {name: child for child in skipped if (name := child.tags.get("cross_validation"))}
    for name, child in folds.items():
        kept = {
            k: v for k, v in child.tags.items() if not k.startswith("mlflow.") or k == DESCRIPTION
        }
        tags = {**kept, "sweep": str(sweep), **nest.parent_of(str(sweep))}
        assert child.run is not None
        try:
            workflow.pool(child.run, prepare.find(child.run), sweep / name, tags)
        except InputError as error:
            child.fail(f"its folds could not be pooled: {error}")
