"""One model to deploy, after a cross-validation: the same settings, learned from all images.

Its images of test join train, and validate chooses as always. What it is worth was measured before, by
models that learned the same way from fewer images: that is its evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anomaly.config.command_line import pairs
from anomaly.errors import InputError
from anomaly.types import Dataset, Predictions, Split

if TYPE_CHECKING:
    from mlflow.entities import Run

    from anomaly.tracking.store import Store

KEY = "refit"
TYPED = (KEY, "output", "tracking.uri", "data.root", "cache.gigabytes", "trainer.rerun")
NOT_TAKEN = (
    "output",
    "tracking.uri",
    "cache.gigabytes",
    "trainer.rerun",
    "data.folds",
    "data.fold",
)
# The run may come of a sweep=NAME, which stays for what else NAME sets, such as the model.
ALONE = ("data.folds=null", "data.fold=0", "hydra.mode=RUN")


class Evidence(NamedTuple):
    """What is known of models that were trained like this one."""

    words: str
    figures: dict[str, float]  # of test, as in scores.json
    outcomes: dict[str, bool]  # {test image: whether it was named right}


def expanded(words: Sequence[str]) -> list[str]:
    """A command line with refit=RUN, with the settings of that run added to it.

    Raises:
        InputError: there is no such run, it is an ensemble, or other settings are typed as well.
    """
    typed = dict(pairs(words))
    if not typed.get(KEY):
        return list(words)
    if changed := [key for key in typed if key not in TYPED and not key.startswith("hydra.")]:
        raise InputError(
            f"refit={typed[KEY]} takes its settings from that run, so that its figures stand for this"
            f" one: leave out {', '.join(changed)}"
        )
    taken = [word for word in _settings(typed) if _key(word) not in (*typed, *NOT_TAKEN)]
    return [*words, *taken, *ALONE]


def _key(word: str) -> str:
    ((key, _),) = pairs([word])
    return key


def _settings(typed: dict[str, str]) -> list[str]:
    from anomaly.tracking.find import overrides_of, run_of
    from anomaly.tracking.store import store_at

    store = store_at(Path(typed.get("output", "outputs")), typed.get("tracking.uri"))
    run = _measured(run_of(store, typed[KEY]))
    first = run.data.tags.get("folds", run.info.run_id).split()[0]
    return [word for word in overrides_of(store, first) if "=" in word]


def _measured(run: Run) -> Run:
    tags, title = run.data.tags, f"run {run.info.run_id} ({run.info.run_name})"
    if run.info.status != "FINISHED" or run.info.lifecycle_stage == "deleted":
        raise InputError(f"{title} has not finished, or was deleted; give another")
    if "ensemble" in (tags.get("role"), tags.get("of")):
        raise InputError(f"{title} is an ensemble: refit its members, and combine those")
    if tags.get("role") not in ("member", "pooled"):
        raise InputError(
            f"{title} is itself refitted ({tags.get('role')}); give what it was made of"
        )
    return run


def evidence(run_id: str, store: Store, dataset: Dataset) -> Evidence:
    """The figures of a run, and which images its test part named right.

    Raises:
        InputError: it was tested on images that are not among these.
    """
    from anomaly.tracking.find import predictions_of, run_of

    run = _measured(run_of(store, run_id))
    tested = predictions_of(store, run, "test")
    labels = {s.id: dataset.classes[s.label] for part in dataset.splits for s in part}
    if unknown := [id for id in tested.ids if id not in labels]:
        raise InputError(
            f"run {run_id} was tested on {len(unknown)} images that are not here, such as {unknown[0]}:"
            " give the data set that it was trained on"
        )
    figures = {k: v for k, v in run.data.metrics.items() if k.startswith("test/")}
    return Evidence(_words(run, tested), figures, outcomes(tested, labels))


def outcomes(predictions: Predictions, labels: dict[str, str]) -> dict[str, bool]:
    """{image: whether its class, {image: class}, is the most probable one}; empty without classes."""
    if predictions.proba is None:
        return {}
    named = (predictions.classes[label] for label in predictions.labels)
    return {id: name == labels[id] for id, name in zip(predictions.ids, named, strict=True)}


def _words(run: Run, tested: Predictions) -> str:
    count, id = len(tested.ids), run.info.run_id
    if folds := run.data.tags.get("folds"):
        return (
            f"{count} images, each judged by one of {len(folds.split())} models that were trained like"
            f" this one without it (run {id}); this one learned from more images"
        )
    return f"{count} images that a model trained like this one did not learn from (run {id})"


def everything(dataset: Dataset) -> Dataset:
    """The same images, those of test in train."""
    samples = (*dataset.train.samples, *dataset.test.samples)
    nothing = Split("test", (), dataset.test.grid, dataset.test.min_instance_area)
    return replace(dataset, train=replace(dataset.train, samples=samples), test=nothing)
