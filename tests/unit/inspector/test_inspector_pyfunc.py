"""What MLflow may hand to a bundle: photos in any form that people have, and nothing else."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from anomaly.data.read import read_image
from anomaly.errors import InputError
from anomaly.inspector.pyfunc import PhotoModel, _load_pyfunc

SAVED = Path(__file__).parents[2] / "saved"
PHOTOS = [SAVED / "good_001.png", SAVED / "scratch_001.png"]


@pytest.fixture(scope="module")
def model(bundle_in, tmp_path_factory) -> PhotoModel:
    return _load_pyfunc(str(bundle_in(tmp_path_factory.mktemp("model") / "bundle")))


def text(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


FORMS = {
    "path": str,
    "Path": Path,
    "bytes": Path.read_bytes,
    "base64": text,
    "base64 in lines": lambda path: base64.encodebytes(path.read_bytes()).decode(),
    "pixels": read_image,
    "pixels by way of JSON": lambda path: read_image(path).tolist(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_photo_is_the_same_in_every_form(form, model):
    rows = model.predict(pd.DataFrame({"photo": [FORMS[form](path) for path in PHOTOS]}))
    verdicts = model.inspector.inspect([_photo(path) for path in PHOTOS])
    assert list(rows["probabilities"]) == [verdict.probabilities for verdict in verdicts]
    assert list(rows["verdict"]) == [verdict.decision for verdict in verdicts]
    assert list(rows["score"]) == [verdict.score for verdict in verdicts]


def _photo(path: Path):
    from anomaly.data.images import photo

    return photo(path)


def test_base64_without_a_slash_in_it_is_no_name_of_a_file(model):
    """Of zeros it is one long name, longer than any file's."""
    noise = base64.b64encode(PHOTOS[0].read_bytes() + bytes(3000)).decode()
    assert "/" not in noise[-900:]
    long = "A" * 4000 + noise
    with pytest.raises(InputError, match="not an image"):
        model.predict(pd.DataFrame({"photo": [long]}))


def test_a_table_may_have_another_column_name_and_more_columns(model):
    one = model.predict(pd.DataFrame({"x": [str(PHOTOS[0])]}))
    other = model.predict(pd.DataFrame({"part": [7], "photo": [str(PHOTOS[0])]}))
    assert one.equals(other)


def test_a_cell_may_hold_a_list_of_photos(model):
    one = model.predict(pd.DataFrame({"photo": [[text(path) for path in PHOTOS]]}))
    assert one.equals(model.predict(pd.DataFrame({"photo": [str(path) for path in PHOTOS]})))


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ("missing.png", "'missing.png' is neither a file nor base64"),
        ("missing12png", "not an image"),
        ("", "empty"),
        (b"", "empty"),
        (b"no photo", "not an image"),
        ("/", "neither a file nor base64"),
        ("a\0b", "neither a file nor base64"),
        (None, "must be a path, bytes, base64 or pixels, got NoneType"),
        (7, "got int"),
        (float("nan"), "got float"),
        ({"photo": 1}, "got dict"),
        (np.zeros((4, 4), np.uint8), r"\(height, width, 3\) uint8"),
        (np.zeros((4, 4, 3)), r"\(height, width, 3\) uint8"),
        ([[[1, 2, 3], [1, 2]]], "whole numbers from 0 to 255"),
        ([[[1, 2, 300]]], "whole numbers from 0 to 255"),
        ([[[-1, 2, 3]]], "whole numbers from 0 to 255"),
        ([[[0.5, 0.5, 0.5]]], "whole numbers from 0 to 255"),
        ([["a"]], "whole numbers from 0 to 255"),
        ([], "whole numbers from 0 to 255"),
        ([1, 2, 3], r"\(height, width, 3\)"),
    ],
)
def test_what_is_no_photo_is_a_sentence(item, sentence, model):
    with pytest.raises(InputError, match=sentence):
        model.predict(pd.DataFrame({"photo": [item]}))
