"""THE TABLE of bad input, continued: ensembles and evaluation.

The first rows are answered in a second or two; the others look into a store of runs. Every
way in which a run can be unfit to vote is in tests/unit/run/test_members.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from anomaly.tracking.run import start
from anomaly.tracking.store import Store, store_at

from .test_bad_input import answers, table

# 2026-11: MLflow 3 still uses a loader that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

# (title, what is typed, the answer)
VALUES = [
    (
        "an unknown ensemble: the nearest right one, and all of them",
        "ensemble=sofd_vote",
        "ensemble=sofd_vote is not known; did you mean soft_vote?"
        " (one of: hard_vote, meta_learner, soft_vote, weighted_vote)",
    ),
    (
        "members as if they were the ensemble's own",
        "ensemble=soft_vote ensemble.members.run_ids=[x]",
        "ensemble.members.run_ids is not a known key; did you mean members.run_ids?",
    ),
    (
        "members as if they were the ensemble's own, and no ensemble",
        "ensemble.members.run_ids=[x]",
        "ensemble.members.run_ids is not a known key; did you mean members.run_ids?",
    ),
    (
        "one run where a list is due",
        "ensemble=soft_vote members.run_ids=abc",
        "members.run_ids must be a list, such as 'members.run_ids=[A,B]'",
    ),
    (
        "half a member",
        "ensemble=soft_vote members.most=2.5",
        "members.most must be a whole number, got 2.5",
    ),
    (
        "a run named twice",
        "ensemble=soft_vote members.run_ids=[a,b,a]",
        "members.run_ids names a run twice; a member votes once",
    ),
    (
        "choosing members by test figures",
        "ensemble=soft_vote members.metric=test/accuracy",
        "members.metric must be a validation metric such as val/accuracy, got test/accuracy:"
        " choosing by test figures would make them worthless",
    ),
    (
        "a condition on members that has no value",
        "ensemble=soft_vote members.where=[trainer]",
        "members.where must list TAG=VALUE, such as 'trainer=transfer', got trainer",
    ),
    (
        "members and no ensemble",
        "members.run_ids=[a,b]",
        "members.run_ids=[a,b] means nothing without an ensemble; add ensemble=... or leave it out",
    ),
    (
        "training typed to an ensemble",
        "ensemble=soft_vote model=bovw trainer.epochs=7",
        "an ensemble combines finished runs and trains nothing: leave out model=bovw,"
        " trainer.epochs=7; which runs it combines is chosen by members.run_ids or members.where",
    ),
    (
        "an offset that is no number",
        "model=keras_file backbone.path=x.keras backbone.offset=nan",
        "backbone.offset must be a number from -1e9 to 1e9, got nan",
    ),
    (
        "an ensemble of at most one",
        "ensemble=soft_vote members.most=1",
        "members.most must be 2 or more, got 1",
    ),
    (
        "all defects may escape",
        "evaluate.max_escape_rate=1",
        "evaluate.max_escape_rate must be a share from 0 to below 1, got 1.0",
    ),
    (
        "an escape rate that is no number",
        "evaluate.max_escape_rate=nan",
        "evaluate.max_escape_rate must be a share from 0 to below 1, got nan",
    ),
    (
        "a probability above 1, and all else that is wrong",
        "evaluate.reject_below=2 evaluate.max_escape_rate=-1 members.most=0",
        "members.most must be 2 or more, got 0\n"
        "evaluate.max_escape_rate must be a share from 0 to below 1, got -1.0\n"
        "evaluate.reject_below must be between 0 and 1, got 2.0",
    ),
    (
        "a meta learner that has no settings to choose among",
        "ensemble=meta_learner ensemble.C=[]",
        "ensemble.C must be a list, each above 0, not empty and none twice, got []",
    ),
    (
        "a setting that no ensemble of that name has",
        "ensemble=meta_learner ensemble.gama=[1]",
        "ensemble.gama is not a known key; did you mean ensemble.gamma?",
    ),
    (
        "an objective that has no value where all images go to a person",
        "data.root={station} data.category=widget objective=val/kept_accuracy",
        "objective=val/kept_accuracy is not a figure that a sweep... (one of: ...)",
    ),
]

NEEDS = (
    "an ensemble needs 2 or more members of this split (widget ...), there is none; train"
    " more, such as `python train.py data.root=... data.category=... model=bovw`, with the same"
    " seed and folds"
)
# (title, what is typed beside the station, the answer)
STORES = [
    ("no members of this split", "", NEEDS),
    (
        "a member without predictions",
        "members.run_ids=[{id},{other}]",
        "run {id} (member) cannot vote: predictions/val.npz is missing in {artifacts} (...)",
    ),
]


@table("typed, sentence", VALUES)
def test_bad_values_are_answered_at_once(
    typed, sentence, train, tmp_path, whole_station, without_tensorflow
):
    typed = typed.format(station=whole_station).split()
    answers(train(*typed, f"output={tmp_path}", **without_tensorflow), sentence)


@dataclass(frozen=True)
class Runs:
    """An output folder with runs that cannot vote; its attributes fill a row's {names}."""

    output: Path
    id: str
    other: str
    artifacts: str

    def filled(self, text: str) -> str:
        return text.format_map(vars(self))


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    output = tmp_path_factory.mktemp("outputs")
    store = store_at(output)
    ids = [recorded(store, name) for name in ("member", "other")]
    return Runs(output, *ids, MlflowClient(store.uri).get_run(ids[0]).info.artifact_uri)


def recorded(store: Store, name: str) -> str:
    """The id of a finished run of another split that left no predictions."""
    folder = store.output / "runs" / name
    folder.mkdir(parents=True)
    tags = {"role": "member", "split": "another", "kind": name}
    with start(store, folder, experiment="widget", name=name, params={}, tags=tags) as tracker:
        tracker.finish({"val/accuracy": 1.0})
    return tracker.record.run_id


@table("typed, sentence", STORES)
def test_runs_that_cannot_vote_are_named(
    typed: str, sentence: str, runs: Runs, whole_station: Path, train: Callable, without_tensorflow
):
    where = (f"data.root={whole_station}", "data.category=widget", f"output={runs.output}")
    typed = runs.filled(typed).split()
    ended = train("ensemble=soft_vote", *where, *typed, **without_tensorflow)
    answers(ended, runs.filled(sentence))
