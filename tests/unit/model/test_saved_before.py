"""Models saved by an earlier version (tests/saved, commit 7a4afc2) still predict the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from anomaly.data.images import photo
from anomaly.errors import InputError
from anomaly.model.load import load

SAVED = Path(__file__).parents[2] / "saved"
KINDS = sorted(path.name for path in SAVED.iterdir() if path.is_dir())
PHOTOS = ("scratch_001.png", "good_001.png")


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_saved_before_the_modules_moved_predicts_the_same(kind):
    expected = json.loads((SAVED / kind / "expected.json").read_text())
    predictions = load(kind, SAVED / kind).predict([photo(SAVED / name) for name in PHOTOS], 64)
    assert predictions.classes == tuple(expected["classes"])
    # Then the maps of a classifier were rounded to float16 before they were judged.
    assert np.allclose(predictions.proba, expected["proba"], atol=1e-3)
    assert np.allclose(predictions.heat.mean((1, 2)), expected["heat"], atol=1e-3)
    assert [len(detections) for detections in predictions.detections] == expected["instances"]


@pytest.mark.parametrize(
    "kind, name",
    [(path.parent.name, path.name) for path in SAVED.glob("*/*") if path.name != "expected.json"],
)
def test_a_damaged_file_is_named_in_one_sentence(kind, name, tmp_path):
    copy = Path(shutil.copytree(SAVED / kind, tmp_path / kind))
    (copy / name).write_bytes((copy / name).read_bytes()[:60])
    with pytest.raises(InputError, match=rf"the model in .*{kind} cannot be read \("):
        load(kind, copy)


@pytest.mark.parametrize(
    "kind", ["", "resnet", "load", "features", "os", "../bovw", "bovw.learner"]
)
def test_only_a_learner_of_ours_is_loaded(kind):
    with pytest.raises(InputError, match=r"which this version lacks|cannot be read"):
        load(kind, SAVED / "bovw")
