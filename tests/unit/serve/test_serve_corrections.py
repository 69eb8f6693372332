"""Corrections: what is written, and that the next training has it."""

from __future__ import annotations

import errno
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anomaly.cache.store import NoCache
from anomaly.data.images import photo, pixels_of
from anomaly.data.importers.folder import read_folder
from anomaly.data.mvtec import build
from anomaly.data.read import read_mask
from anomaly.inspector.about import About
from anomaly.serve import corrections
from anomaly.serve.corrections import checked
from anomaly.types import GOOD as LABEL_GOOD

from .conftest import ABOUT, GOOD, PHOTO

SCRATCH = PHOTO.read_bytes()
PLACE = "0.25,0.5,0.75,1"


@pytest.fixture
def kept(started, tmp_path):
    """A client, and the folder of its corrections."""
    return started(corrections=tmp_path / "kept" / "demo"), tmp_path / "kept" / "demo"


def test_a_defect_has_its_photo_its_mask_and_a_line(kept):
    client, folder = kept
    answer = client.form(
        "/corrections", photo=SCRATCH, label="scratch", rectangle=PLACE, by="Mustafa, shift 2"
    )
    assert answer.status == 201
    file = folder / answer.json["file"]
    assert file.parent == folder / "test" / "scratch" and file.read_bytes() == SCRATCH
    mask = read_mask(folder / "ground_truth" / "scratch" / f"{file.stem}_mask.png")
    height, width = pixels_of(photo(SCRATCH)).shape[:2]
    expected = np.zeros((height, width), bool)
    expected[height // 2 :, width // 4 : 3 * width // 4] = True
    assert np.array_equal(mask, expected)
    (line,) = map(json.loads, (folder / corrections.LINES).read_text().splitlines())
    said = client("POST", "/inspect", SCRATCH).json
    assert line["said"] == {name: said[name] for name in ("verdict", "defect", "probability")}
    assert line["model"] == said["model"] and line["by"] == "Mustafa, shift 2"
    assert (line["file"], line["label"]) == (answer.json["file"], "scratch")
    assert line["digest"] == photo(SCRATCH).content and line["time"].endswith("+00:00")


def test_nothing_is_overwritten_and_a_correction_is_no_verdict(kept):
    client, folder = kept
    answers = [client.form("/corrections", photo=SCRATCH, label="good") for _ in range(3)]
    assert len({answer.json["file"] for answer in answers}) == 3
    assert len([*(folder / "train" / "good").iterdir()]) == 3
    assert len((folder / corrections.LINES).read_text().splitlines()) == 3
    assert b"anomaly_verdicts_total{" not in client("GET", "/metrics").content


def test_a_file_that_trainings_do_not_read_is_kept_as_its_pixels(kept):
    client, folder = kept
    stream = io.BytesIO()
    Image.open(PHOTO).convert("RGB").save(stream, "webp", lossless=True)
    answer = client.form("/corrections", photo=stream.getvalue(), label="good")
    pixels = pixels_of(photo(folder / answer.json["file"]))
    assert answer.json["file"].endswith(".png")
    assert np.array_equal(pixels, pixels_of(photo(stream.getvalue())))


def test_the_next_training_has_the_corrected_photos(kept, tmp_path):
    client, folder = kept
    random = np.random.default_rng(0)
    for number in range(24):
        place = "train/good" if number < 6 else f"test/{ABOUT.classes[1 + number % 3]}"
        pixels = random.integers(0, 256, (64, 64, 3), np.uint8)
        save(tmp_path / "data" / "demo" / place / f"{number:03}.png", pixels)
        if number >= 6:
            mask = tmp_path / "data" / "demo" / place.replace("test", "ground_truth")
            save(mask / f"{number:03}_mask.png", np.full((64, 64), 255, np.uint8))
    before = read_folder(tmp_path / "data", "demo")
    client.form("/corrections", photo=SCRATCH, label="scratch", rectangle=PLACE)
    client.form("/corrections", photo=GOOD.read_bytes(), label="good")
    shutil.copytree(folder, tmp_path / "data" / "demo", dirs_exist_ok=True)
    after = {file.image.content: file.label for file in read_folder(tmp_path / "data", "demo")}
    assert len(after) == len(before) + 2
    assert after[photo(SCRATCH).content] == "scratch"
    assert after[photo(GOOD.read_bytes()).content] == LABEL_GOOD
    shares = {"train": 0.6, "test": 0.2, "validate": 0.2}
    dataset = build(
        cache=NoCache(), root=str(tmp_path / "data"), category="demo", exclude=[], folds=None,
        fold=0, seed=0, copy_correlation=1.0, grid=64, min_instance_area=0, **shares,
    )  # fmt: skip
    contents = {sample.image.content for part in dataset.splits for sample in part}
    assert {photo(SCRATCH).content, photo(GOOD.read_bytes()).content} <= contents


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"label": "crack"}, "there is no class 'crack'; give one of: good, hole, scratch, stain"),
        ({"label": "../hole"}, "there is no class"),
        ({}, "there is no class ''"),
        ({"label": "hole"}, "hole needs a rectangle"),
        ({"label": "good", "rectangle": PLACE}, "a good part has no rectangle"),
        ({"label": "hole", "rectangle": "1,2,3"}, "from 0 to 1"),
        ({"label": "hole", "rectangle": "0.5,0.5,0.5,0.6"}, "from 0 to 1"),
        ({"label": "hole", "rectangle": "0,0,2,2"}, "from 0 to 1"),
        ({"label": "hole", "rectangle": "nan,0,1,1"}, "from 0 to 1"),
        ({"label": "hole", "rectangle": "a,b,c,d"}, "from 0 to 1"),
    ],
)
def test_what_cannot_be_a_correction_is_refused_and_leaves_nothing(kept, fields, words):
    client, folder = kept
    answer = client.form("/corrections", photo=SCRATCH, **fields)
    assert answer.status == 422 and words in answer.error
    assert not folder.exists()


def test_without_a_form_or_a_photo_it_is_refused(kept):
    client, folder = kept
    assert client("POST", "/corrections", SCRATCH).status == 415
    assert client.form("/corrections", label="good").status == 422
    assert client.form("/corrections", label="good", photo=b"nothing").status == 422
    assert not folder.exists()


def test_a_full_disk_is_one_sentence_and_leaves_no_half(kept, monkeypatch):
    client, folder = kept

    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    monkeypatch.setattr(corrections, "_mask", full)
    answer = client.form("/corrections", photo=SCRATCH, label="hole", rectangle=PLACE)
    assert answer.status == 507 and "the disk is full" in answer.error
    assert "--corrections=DIR" in answer.error
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_made_is_one_sentence(started, tmp_path):
    (tmp_path / "file").write_text("in the way")
    client = started(corrections=tmp_path / "file" / "demo")
    answer = client.form("/corrections", photo=SCRATCH, label="good")
    assert answer.status == 507 and "a file stands where" in answer.error


@pytest.mark.parametrize("name", ["..", "a/b", "a\\b", "/etc"])
def test_a_class_that_is_no_name_of_a_folder_is_refused(name):
    with pytest.raises(ValueError, match="there is no class"):
        checked(name, PLACE, "", ("good", name))


def test_a_long_name_of_any_script_is_a_folder():
    name = "表面の深い傷" * 10
    assert isinstance(ABOUT, About) and checked(name, PLACE, "", ("good", name)).label == name
