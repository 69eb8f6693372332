"""The members of an ensemble: finished runs of the very same split, and what they predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from anomaly.config.schema import MembersConfig
from anomaly.config.suggest import suggest_name
from anomaly.errors import InputError
from anomaly.metrics.catalogue import EVIDENCE, lower_is_better
from anomaly.tracking.find import finished_runs, predictions_of, run_of
from anomaly.types import Dataset, Predictions, Split

if TYPE_CHECKING:
    from mlflow.entities import Run

    from anomaly.tracking.store import Store

LEAST = 2  # members


class Member(NamedTuple):
    """A run that votes, and its predictions in the order of the splits."""

    run_id: str
    name: str
    validate: Predictions
    test: Predictions


def find(config: MembersConfig, dataset: Dataset, fold: int, store: Store) -> list[Member]:
    """The members that are named, or else the best of each kind, the best first.

    A named run of another fold of the same cross-validation stands for its sibling of `fold`.

    Raises:
        InputError: fewer than two, or one that cannot vote on this split; the sentence names it.
    """
    runs = choose(config, dataset, fold, store)
    return [_member(run, dataset, store) for run in runs]


def choose(config: MembersConfig, dataset: Dataset, fold: int, store: Store) -> list[Run]:
    """The runs of `find`, before anything that they predicted is read."""
    if config.run_ids:
        runs = [_named(run_id, dataset, fold, store) for run_id in config.run_ids]
        _expect_distinct(runs)
    else:
        runs = _best_of_each_kind(config, dataset, store)
    if len(runs) < LEAST:
        raise InputError(_too_few(runs, dataset, config.where))
    return runs


def _named(run_id: str, dataset: Dataset, fold: int, store: Store) -> Run:
    run = run_of(store, run_id)
    tags = run.data.tags
    if tags.get("role") != "member":
        raise InputError(
            f"{_title(run)} is not a trained model (role {tags.get('role')}); name others"
        )
    if dataset.folds_digest and "cross_validation" in tags and tags.get("split") != dataset.digest:
        wanted = {"cross_validation": tags["cross_validation"], "role": "member", "fold": str(fold)}
        siblings = finished_runs(store, dataset.category, wanted)
        if not siblings:
            raise InputError(
                f"{_title(run)} belongs to a cross-validation whose fold {fold} is not finished; run"
                " that fold first"
            )
        return siblings[0]
    if run.info.lifecycle_stage == "deleted":
        raise InputError(f"{_title(run)} was deleted; name another, or restore it in MLflow")
    if run.info.status != "FINISHED":
        raise InputError(f"{_title(run)} is not finished ({run.info.status}); name another")
    return run


def _expect_distinct(runs: Sequence[Run]) -> None:
    ids = [run.info.run_id for run in runs]
    for run in runs:
        if ids.count(run.info.run_id) > 1:
            raise InputError(
                f"members.run_ids names {_title(run)} twice, by folds of one cross-validation;"
                " a member votes once"
            )


def _best_of_each_kind(config: MembersConfig, dataset: Dataset, store: Store) -> list[Run]:
    """The best run of each kind of model by the metric, of equal ones the newest."""
    conditions = {tuple(condition.split("=", 1)) for condition in config.where}
    members = finished_runs(store, dataset.category, {"role": "member", "split": dataset.digest})
    runs = [run for run in members if conditions <= run.data.tags.items()]
    scored = [run for run in runs if config.metric in _figures(run)]
    if runs and not scored:
        raise InputError(
            f"members.metric={config.metric} is not a figure of {_title(runs[0])}"
            f"{suggest_name(config.metric, _figures(runs[0]))}"
        )
    best: dict[str, Run] = {}
    sign = 1 if lower_is_better(config.metric) else -1
    for run in sorted(scored, key=lambda run: sign * run.data.metrics[config.metric]):
        best.setdefault(run.data.tags.get("kind", str(run.info.run_name)), run)
    return list(best.values())[: config.most]


def _figures(run: Run) -> list[str]:
    """The validation figures of a run, without the evidence behind them."""
    names = (name for name in run.data.metrics if name.startswith("val/"))
    return sorted(name for name in names if not name.endswith(EVIDENCE))


def _member(run: Run, dataset: Dataset, store: Store) -> Member:
    title = _title(run)
    try:
        validate, test = (predictions_of(store, run, part) for part in ("val", "test"))
    except InputError as error:
        raise InputError(f"{title} cannot vote: {error}") from None
    for predictions in (validate, test):
        if predictions.proba is None:
            raise InputError(
                f"{title} tells good parts from others but names no defect type, so it cannot vote;"
                " name another in members.run_ids"
            )
        _expect_classes(title, predictions, dataset)
    if run.data.tags.get("split") != dataset.digest:
        raise InputError(
            f"{title} was trained on another split than this one ({run.data.tags.get('category')}"
            f" {run.data.tags.get('split')}, here {dataset.category} {dataset.digest}): a member"
            " must share data.category, seed, shares and folds"
        )
    return Member(
        run.info.run_id,
        str(run.info.run_name),
        _in_order(title, validate, dataset.validate),
        _in_order(title, test, dataset.test),
    )


def _expect_classes(title: str, predictions: Predictions, dataset: Dataset) -> None:
    if unseen := [name for name in dataset.classes if name not in predictions.classes]:
        raise InputError(f"{title} never saw class {', '.join(unseen)}; train it on this category")
    if predictions.classes != dataset.classes:
        raise InputError(
            f"{title} knows the classes {', '.join(predictions.classes)},"
            f" this split has {', '.join(dataset.classes)}"
        )


def _in_order(title: str, predictions: Predictions, split: Split) -> Predictions:
    """The predictions in the order of the split, joined by id."""
    if differing := set(predictions.ids) ^ set(split.ids):
        raise InputError(
            f"{title} has other images in {split.name}: {len(differing)} do not match,"
            f" such as {min(differing)}"
        )
    for side, _ in predictions.grids - {(split.grid, split.grid)}:
        raise InputError(
            f"{title} was evaluated on a grid of {side} pixels, this ensemble on {split.grid};"
            f" give data.grid={side}"
        )
    return predictions.select([predictions.ids.index(id) for id in split.ids])


def _too_few(runs: Sequence[Run], dataset: Dataset, where: Sequence[str]) -> str:
    have = f"only {_title(runs[0])}" if runs else "none"
    more = "such as `python train.py data.root=... data.category=... model=bovw`, "
    if where:
        have += f" with the tags of members.where ({', '.join(where)})"
        more = "with these tags, "
    return (
        f"an ensemble needs {LEAST} or more members of this split ({dataset.category}"
        f" {dataset.digest}), there is {have}; train more, {more}with the same seed and folds"
    )


def _title(run: Run) -> str:
    return f"run {run.info.run_id} ({run.info.run_name})"
