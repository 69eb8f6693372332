"""For every file of conf/data: classes in every part, nothing and no copy in two, a stable name."""

from __future__ import annotations

from pathlib import Path

import pytest

from anomaly.data.images import load_truth
from anomaly.types import GOOD

OPTIONS = sorted(p.stem for p in (Path(__file__).parents[2] / "conf/data").glob("*.yaml"))
ON_THE_DEMO = {  # what makes each option read the session's small data set
    "demo": ["data.images=4", "data.side=64", "data.root={folder}"],
    "mvtec": ["data.root={folder}", "data.category=demo"],
}


@pytest.fixture
def load(parsed, build, folder, store, demo):
    """load(option, ...) is the data set of that option; `demo` has drawn what all of them read."""

    def make(option: str, *overrides: str):
        given = [text.format(folder=folder) for text in ON_THE_DEMO[option]]
        run = parsed(f"data={option}", *given, "data.grid=64", *overrides)
        return build(run.data, cache=store)

    return make


@pytest.mark.parametrize("option", OPTIONS)
def test_good_is_class_0_and_every_class_is_in_every_part(option, load):
    dataset = load(option)
    assert dataset.classes[0] == GOOD
    for part in dataset.splits:
        assert set(part.labels) == set(range(len(dataset.classes)))


@pytest.mark.parametrize("option", OPTIONS)
def test_no_image_and_no_copy_of_one_is_in_two_parts(option, load):
    dataset = load(option)
    for key in ("id", "image", "content", "group"):
        seen = [{getattr(sample, key) for sample in part} for part in dataset.splits]
        assert sum(map(len, seen)) == len(set.union(*seen))


@pytest.mark.parametrize("option", OPTIONS)
def test_defects_are_marked_in_the_truth_and_good_parts_are_not(option, load):
    dataset = load(option)
    for part in dataset.splits:
        truth = load_truth(part, dataset.classes)
        assert truth.masks.shape == (len(part), 64, 64)
        assert (truth.masks.any((1, 2)) == (truth.labels > 0)).all()


@pytest.mark.parametrize("option", OPTIONS)
def test_the_digest_is_stable_and_names_the_split(option, load):
    assert load(option).digest == load(option).digest
    assert load(option, "data.train=0.6", "data.test=0.2", "data.validate=0.2").digest != (
        load(option).digest
    )


@pytest.mark.parametrize("option", OPTIONS)
def test_over_the_folds_every_image_is_tested_once(option, load):
    rounds = [load(option, "data.folds=3", f"data.fold={fold}") for fold in range(3)]
    tested = [id for dataset in rounds for id in dataset.test.ids]
    assert len(tested) == len(set(tested)) == sum(len(part) for part in rounds[0].splits)
    assert len({dataset.folds_digest for dataset in rounds}) == 1
    assert len({dataset.digest for dataset in rounds}) == 3
