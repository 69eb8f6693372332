"""For every file of conf/data: classes in every split, no image or copy in two, stable digests."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

import pytest

from anomaly.data.truth import load_truth
from anomaly.types import GOOD

OPTIONS = sorted(p.stem for p in (Path(__file__).parents[2] / "conf/data").glob("*.yaml"))
ON_THE_DEMO = {  # overrides with which each option reads the small data set of the session
    "demo": ["data.images=4", "data.side=64", "data.root={folder}"],
    "mvtec": ["data.root={folder}", "data.category=demo"],
}


@pytest.fixture
def load(parsed, build, folder, store, demo):
    """load(option, ...) gives the data set of that option; `demo` has drawn its images."""

    def make(option: str, *overrides: str):
        common = [text.format(folder=folder) for text in ON_THE_DEMO[option]]
        run = parsed(f"data={option}", *common, "data.grid=64", *overrides)
        return build(run.data, cache=store)

    return make


@pytest.mark.parametrize("option", OPTIONS)
def test_good_is_class_0_and_every_class_is_in_every_split(option, load):
    dataset = load(option)
    assert dataset.classes[0] == GOOD
    for split in dataset.splits:
        assert set(split.labels) == set(range(len(dataset.classes)))


@pytest.mark.parametrize("option", OPTIONS)
def test_no_image_and_no_copy_of_one_is_in_two_splits(option, load):
    dataset = load(option)
    for attribute in ("id", "image.source", "image.content", "group"):
        values = [set(map(attrgetter(attribute), split)) for split in dataset.splits]
        assert sum(map(len, values)) == len(set.union(*values))


@pytest.mark.parametrize("option", OPTIONS)
def test_the_truth_marks_defects_and_leaves_good_parts_empty(option, load):
    dataset = load(option)
    for split in dataset.splits:
        truth = load_truth(split, dataset.classes)
        assert truth.masks.shape == (len(split), 64, 64)
        assert (truth.masks.any((1, 2)) == (truth.labels > 0)).all()


@pytest.mark.parametrize("option", OPTIONS)
def test_equal_splits_have_equal_digests(option, load):
    assert load(option).digest == load(option).digest
    assert load(option, "data.train=0.6", "data.test=0.2", "data.validate=0.2").digest != (
        load(option).digest
    )


@pytest.mark.parametrize("option", OPTIONS)
def test_over_the_folds_every_image_is_tested_once(option, load):
    rounds = [load(option, "data.folds=3", f"data.fold={fold}") for fold in range(3)]
    tested = [id for dataset in rounds for id in dataset.test.ids]
    assert len(tested) == len(set(tested)) == sum(len(split) for split in rounds[0].splits)
    assert len({dataset.folds_digest for dataset in rounds}) == 1
    assert len({dataset.digest for dataset in rounds}) == 3
