"""What belongs to one cross-validation, and what kind of model a run is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from anomaly.config.job import Job
from anomaly.run import tags as naming
from anomaly.types import Dataset, Split

ROOT = Path(__file__).parents[3]
MEMBERS = [
    *(f"backbone={p.stem}" for p in (ROOT / "conf/backbone").glob("*.yaml")),
    *("model=bovw", "model.head=svm", "seed=1", "augment=none", "optimizer=adam"),
]
ENSEMBLES = [f"ensemble={p.stem}" for p in (ROOT / "conf/ensemble").glob("*.yaml")]
EMPTY = tuple(Split(part, (), 64) for part in ("train", "validate", "test"))
DATASET = Dataset("widget", ("good", "dent"), *EMPTY, digest="d", folds_digest="f")


@pytest.fixture
def tags(parsed, tmp_path):
    """tags(overrides...) of a run of fold 0."""

    def make(*overrides: str, sweep: str | None = "s", dataset: Dataset = DATASET) -> dict:
        groups = ("data", "augment", "backbone", "optimizer", "model", "trainer")
        choices = dict.fromkeys((*groups, "ensemble", "experiment"), "x")
        job = Job(tmp_path, choices, overrides, sweep)
        return naming.tags(parsed("data.folds=5", *overrides), job, dataset)

    return make


def test_folds_of_different_models_never_pool(tags):
    names = {one: tags(one)["cross_validation"] for one in (*MEMBERS, *ENSEMBLES)}
    # backbone=mobilenetv2 is the default, and nothing else is like it
    assert len(set(names.values())) == len(names)


def test_folds_of_one_model_pool_wherever_and_whenever_they_ran(tags):
    one = tags("data.fold=0")["cross_validation"]
    assert one == tags("data.fold=3")["cross_validation"]
    assert one == tags("data.fold=3", "output=elsewhere", sweep=None)["cross_validation"]


def test_folds_of_an_ensemble_pool_within_one_sweep(tags):
    one = tags("ensemble=soft_vote", "data.fold=0")["cross_validation"]
    assert one == tags("ensemble=soft_vote", "data.fold=1")["cross_validation"]
    assert one != tags("ensemble=soft_vote", "data.fold=1", sweep="t")["cross_validation"]


def test_a_single_split_is_no_cross_validation(tags):
    assert "cross_validation" not in tags("seed=0", dataset=replace(DATASET, folds_digest=None))


@pytest.mark.parametrize(
    ("overrides", "backbone", "kind"),
    [
        (["model=mobilenetv2"], "mobilenetv2", "mobilenetv2"),
        (["model=mobilenetv2", "model.head=svm"], "mobilenetv2", "mobilenetv2-svm"),
        (["model=bovw"], None, "bovw"),
    ],
)
def test_the_kind_names_learner_backbone_and_head(overrides, backbone, kind, parsed):
    assert naming.model_kind(parsed(*overrides), backbone) == kind
