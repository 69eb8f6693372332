"""The bundle that a run leaves: its model, and what the run found out about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anomaly.inspector.about import About
from anomaly.inspector.bundle import MEMBERS, seal
from anomaly.inspector.team import write_combiner
from anomaly.metrics.operating import OperatingPoint, defect_scores
from anomaly.metrics.recorded import figures
from anomaly.run.evaluate import Evaluation
from anomaly.run.identity import versions
from anomaly.run.refit import Evidence, outcomes
from anomaly.runtime.files import new_folder
from anomaly.tracking.disk.record import Record
from anomaly.tracking.find import copy_bundle
from anomaly.tracking.model import BUNDLE, MODEL, describe
from anomaly.tracking.store import Store
from anomaly.types import Dataset

if TYPE_CHECKING:
    from anomaly.ensemble.combiner import Combiner

UNCHOSEN = OperatingPoint(1.0, 0.5, 0.0)  # of a model without probabilities


def about(
    kind: str,
    dataset: Dataset,
    record: Record,
    evaluation: Evaluation,
    evidence: Evidence | None = None,
) -> About:
    """What the bundle will say of itself.

    Args:
        kind: of learner, or of combiner.
        evidence: of a model without a test part.
    """
    return About(
        kind=kind,
        ensemble=record.tags.get("role") == "ensemble",
        category=dataset.category,
        classes=list(dataset.classes),
        grid=dataset.validate.grid,
        **measured(evaluation, evidence or of_test(evaluation, dataset)),
        run={
            "id": record.run_id,
            "name": record.name,
            "split": dataset.digest,
            "git": record.tags.get("git", ""),
        },
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def measured(evaluation: Evaluation, evidence: Evidence) -> dict[str, Any]:
    """The fields of `About` that an evaluation gives."""
    point, validate = evaluation.point or UNCHOSEN, evaluation.judged["val"]
    scores = defect_scores(validate.predictions)
    return {
        **asdict(point),
        "validate_scores": [] if scores is None else scores.tolist(),
        "validate_defective": [] if scores is None else (validate.truth.labels > 0).tolist(),
        "figures": figures(evaluation.scores) | evidence.figures,
        "evidence": evidence.words,
        "outcomes": evidence.outcomes,
    }


def of_test(evaluation: Evaluation, dataset: Dataset) -> Evidence:
    """What the run's own test part says."""
    labels = {sample.id: dataset.classes[sample.label] for sample in dataset.test}
    words = f"{len(dataset.test)} test images that it did not learn from"
    return Evidence(words, {}, outcomes(evaluation.judged["test"].predictions, labels))


def write(
    folder: Path, about: About, save: Callable[[Path], None], *, has_network: bool = False
) -> None:
    """Write `folder`/model, which is both a bundle and a model of MLflow, whole or not at all.

    Args:
        save: writes the model itself into the folder that it is given.
        has_network: whether that is one Keras model.
    """
    with new_folder(folder / MODEL) as model:
        bundle = model / BUNDLE
        bundle.mkdir(parents=True)
        save(bundle)
        digest = seal(bundle, about)
        describe(model, digest, about.versions, has_network=has_network)


def save_team(store: Store, run_ids: Sequence[str], combiner: Combiner) -> Callable[[Path], None]:
    """A function that writes a fitted combiner, and the bundles of these runs, into a folder."""

    def save(folder: Path) -> None:
        write_combiner(folder, combiner)
        for place, run_id in enumerate(run_ids):
            copy_bundle(store, run_id, folder / MEMBERS / str(place))

    return save
