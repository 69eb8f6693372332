"""Photographs of one part are grouped; parts that only look alike are not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from anomaly.data.duplicates.groups import group_files
from anomaly.data.file import File
from anomaly.errors import InputError
from anomaly.types import Image

SIDE = 256
PARTS = 8


def part(seed: int) -> np.ndarray:
    """A disc on a plate, always at the same place, with a fine texture that depends on the seed."""
    random = np.random.default_rng(seed)
    shape = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(shape, (SIDE // 2, SIDE // 2), SIDE // 3, 1, -1)
    texture = cv2.GaussianBlur(random.normal(size=(SIDE, SIDE)).astype(np.float32), (0, 0), 1.5)
    grey = 60 + 100 * shape + 25 * texture / texture.std()
    return np.clip(grey, 0, 255).astype(np.uint8)


def again(image: np.ndarray, way: str) -> np.ndarray:
    """A second photograph of the same part."""
    match way:
        case "shifted":
            move = np.float32([[1, 0, 3], [0, 1, -2]])
            return cv2.warpAffine(image, move, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)
        case "half a pixel":
            move = np.float32([[1, 0, 0.5], [0, 1, 1.5]])
            return cv2.warpAffine(image, move, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)
        case "relit":
            light = np.linspace(0.7, 1.0, SIDE, dtype=np.float32)
            return (image * light).astype(np.uint8)
        case "compressed":
            return cv2.imdecode(
                cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_GRAYSCALE
            )
    raise ValueError(way)


def files(folder: Path, images: list[np.ndarray]) -> list[File]:
    written = []
    for index, image in enumerate(images):
        path = folder / f"{index}.png"
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        written.append(File(Image(f"train/good/{index}.png", path, content), "good", None, None))
    return written


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    return [part(seed) for seed in range(PARTS)]


def test_parts_of_one_shape_with_different_textures_stay_apart(images, tmp_path, cache):
    groups = group_files(tmp_path, files(tmp_path, images), 0.9, cache)
    assert groups == list(range(PARTS))


@pytest.mark.parametrize("way", ["shifted", "half a pixel", "relit", "compressed"])
def test_a_part_photographed_twice_is_one_group(way, images, tmp_path, cache):
    twice = [*images, again(images[2], way)]
    groups = group_files(tmp_path, files(tmp_path, twice), 0.9, cache)
    assert groups == [*range(PARTS), 2]


def test_identical_files_are_one_group_even_without_texture(tmp_path, cache):
    flat = np.full((SIDE, SIDE), 9, np.uint8)
    groups = group_files(tmp_path, files(tmp_path, [flat, part(1), flat, part(2)]), 0.9, cache)
    assert groups == [0, 1, 0, 3]


def test_flat_images_are_not_copies_of_each_other(tmp_path, cache):
    flat = [np.full((SIDE, SIDE), level, np.uint8) for level in (10, 20, 30, 40)]
    assert group_files(tmp_path, files(tmp_path, flat), 0.9, cache) == [0, 1, 2, 3]


def test_copies_of_copies_are_one_group(images, tmp_path, cache):
    four = [*images[:4], again(images[0], "relit"), again(again(images[0], "relit"), "shifted")]
    groups = group_files(tmp_path, files(tmp_path, four), 0.9, cache)
    assert groups == [0, 1, 2, 3, 0, 0]


def test_a_correlation_of_one_groups_identical_files_only(images, tmp_path, cache):
    six = files(tmp_path, [*images[:4], again(images[0], "relit"), images[1]])
    assert group_files(tmp_path, six, 1.0, cache) == [0, 1, 2, 3, 4, 1]


def declare(folder: Path, text: str, encoding: str = "utf-8") -> None:
    (folder / "groups.csv").write_text(text, encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_declared_groups_are_added_to_detected_ones(encoding, images, tmp_path, cache):
    eight = files(tmp_path, images)
    declare(
        tmp_path, f"file,group\n{eight[1].id},A\n{eight[4].id}, A \n{eight[5].id},B\n", encoding
    )
    assert group_files(tmp_path, eight, 0.9, cache) == [0, 1, 2, 3, 1, 5, 6, 7]


def test_a_folder_in_place_of_the_declared_groups_is_refused(images, tmp_path, cache):
    (tmp_path / "groups.csv").mkdir()
    with pytest.raises(InputError, match=r"groups\.csv cannot be read \(Is a directory\)"):
        group_files(tmp_path, files(tmp_path, images), 1.0, cache)


def test_rows_without_a_group_declare_nothing(images, tmp_path, cache):
    eight = files(tmp_path, images)
    declare(tmp_path, f"file,group\n{eight[1].id},\n{eight[4].id},\n")
    assert group_files(tmp_path, eight, 0.9, cache) == list(range(PARTS))


@pytest.mark.parametrize(
    "text, words",
    [
        ("file;group\na;b\n", r"must have the columns file,group, got \['file;group'\]"),
        ("", "must have the columns file,group, got None"),
        ("file,group\ntrain/good/99.png,A\n", "names 'train/good/99.png', which is not an image"),
    ],
)
def test_a_wrong_list_of_groups_is_refused(text, words, images, tmp_path, cache):
    declare(tmp_path, text)
    with pytest.raises(InputError, match=words):
        group_files(tmp_path, files(tmp_path, images), 0.9, cache)


def test_a_list_of_groups_in_another_encoding_is_refused_with_the_file_named(
    images, tmp_path, cache
):
    declare(tmp_path, "file,group\ntrain/good/0.png,größer\n", "utf-16")
    with pytest.raises(InputError, match=r"groups\.csv"):
        group_files(tmp_path, files(tmp_path, images), 0.9, cache)
