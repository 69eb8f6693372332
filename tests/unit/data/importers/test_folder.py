"""Folders in the MVTec AD layout: what is read, and that all mistakes are listed at once."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from anomaly.data.importers import folder
from anomaly.data.importers.folder import read_folder
from anomaly.errors import InputError

SIDE = 8


def draw(path: Path, height: int = SIDE, width: int = SIDE, value: int = 255) -> Path:
    """A picture whose pixels differ from file to file, or a mask of one value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((height, width), value, np.uint8)
    pixels[0, 0] = value and hash(path.as_posix()) % 200 + 1
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return path


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A category with 4 good images (one of them in test/) and 2 of each defect type."""
    folder = tmp_path / "parts"
    for name in ("train/good/0", "train/good/1", "train/good/2", "test/good/0"):
        draw(folder / f"{name}.png")
    for label in ("bent", "crack"):
        for index in range(2):
            draw(folder / f"test/{label}/{index}.png")
            draw(folder / f"ground_truth/{label}/{index}_mask.png")
    return folder


def refusal(parts: Path, **options) -> str:
    with pytest.raises(InputError) as caught:
        read_folder(parts.parent, parts.name, **options)
    return str(caught.value)


def test_train_and_test_are_pooled_in_the_order_of_their_ids(parts):
    files = read_folder(parts.parent, "parts")
    assert [file.id for file in files] == sorted(file.id for file in files)
    assert {file.label for file in files} == {"good", "bent", "crack"}
    assert len(files) == 8


def test_defects_have_their_mask_and_good_parts_have_none(parts):
    for file in read_folder(parts.parent, "parts"):
        part, label, name = file.id.split("/")
        mask = parts / "ground_truth" / label / name.replace(".png", "_mask.png")
        assert file.mask == (None if label == "good" else mask)
        assert file.image.source == parts / part / label / name


def test_the_content_digest_is_of_the_bytes_alone(parts):
    (parts / "train/good/1.png").write_bytes((parts / "train/good/0.png").read_bytes())
    content = {file.id: file.image.content for file in read_folder(parts.parent, "parts")}
    assert content["train/good/0.png"] == content["train/good/1.png"]
    assert content["train/good/0.png"] != content["train/good/2.png"]


def test_excluded_classes_are_not_even_checked(parts):
    (parts / "test/crack/0.png").write_text("broken")
    labels = {file.label for file in read_folder(parts.parent, "parts", ["crack"])}
    assert labels == {"good", "bent"}


def test_a_mask_may_be_named_like_its_image(parts):
    mask = parts / "ground_truth/bent/0_mask.png"
    mask.rename(mask.with_name("0.png"))
    files = {file.id: file for file in read_folder(parts.parent, "parts")}
    assert files["test/bent/0.png"].mask == mask.with_name("0.png")


def test_files_of_file_managers_are_ignored(parts):
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._0.png"):
        (parts / "train/good" / name).write_text("junk")
        (parts / "ground_truth/bent" / name).write_text("junk")
    (parts / ".cache").mkdir()
    (parts / "test" / ".hidden").mkdir()
    assert len(read_folder(parts.parent, "parts")) == 8


@pytest.mark.parametrize(
    "spoil, words",
    {
        "empty": "test/bent/0.png: empty file",
        "text": "test/bent/0.png: not an image",
        "cut": "test/bent/0.png: ",
        "no mask": "test/bent/0.png: no mask; expected ground_truth/bent/0_mask.png",
        "small mask": "its mask ground_truth/bent/0_mask.png is 4 x 8 pixels, the image 8 x 8",
        "black mask": "its mask ground_truth/bent/0_mask.png is empty (all black)",
        "text mask": "its mask ground_truth/bent/0_mask.png is unusable: not an image",
        "other file": "test/bent/notes.txt: not an image (.png, ",
        "subfolder": "test/bent/more: not an image",
        "no image": "ground_truth/bent/0_mask.png: no image test/bent/0.*",
    }.items(),
)
def test_an_unusable_file_is_named_with_its_reason(spoil, words, parts):
    image, mask = parts / "test/bent/0.png", parts / "ground_truth/bent/0_mask.png"
    match spoil:
        case "empty":
            image.write_bytes(b"")
        case "text":
            image.write_text("hello")
        case "cut":
            image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])
        case "no mask":
            mask.unlink()
        case "small mask":
            draw(mask, 4, 8)
        case "black mask":
            draw(mask, value=0)
        case "text mask":
            mask.write_text("hello")
        case "other file":
            (image.parent / "notes.txt").write_text("hello")
        case "subfolder":
            (image.parent / "more").mkdir()
        case "no image":
            image.unlink()
    assert words in refusal(parts)


@pytest.mark.parametrize("other", ["train/bent/0.png", "test/bent/0.bmp"])
def test_a_mask_that_would_serve_two_images_is_refused(other, parts):
    draw(parts / other)
    first, second = sorted(["test/bent/0.png", other])
    assert (
        f"ground_truth/bent/0_mask.png: the mask of two images, {first} and {second};"
        " give each image a different name and a mask with that name"
    ) in refusal(parts)


def test_images_of_similar_names_have_different_masks(parts):
    draw(parts / "test/bent/0_1.png")
    draw(parts / "ground_truth/bent/0_1_mask.png")
    assert len(read_folder(parts.parent, "parts")) == 9


def test_masks_of_a_class_without_images_are_listed(parts):
    draw(parts / "ground_truth/bnet/0_mask.png")
    (parts / "ground_truth/empty").mkdir()
    message = refusal(parts)
    assert message.endswith(
        "ground_truth/bnet: masks of a class without images; expected test/bnet"
    )
    assert "empty" not in message


def test_masks_of_a_class_that_is_left_out_are_no_mistake(parts):
    draw(parts / "ground_truth/crack/9_mask.png")
    assert read_folder(parts.parent, "parts", ["crack"])


def test_a_class_without_images_is_left_out_with_a_warning(parts, caplog):
    (parts / "test/stain").mkdir()
    (parts / "test/stain/Thumbs.db").write_text("junk")
    files = read_folder(parts.parent, "parts")
    assert {file.label for file in files} == {"good", "bent", "crack"}
    assert caplog.messages == [f"{parts}: class 'stain' has no images and is left out"]


@pytest.mark.parametrize("place", ["test/bent", "train/good"])
def test_a_name_that_is_not_utf_8_is_listed(place, parts):
    os.rename(draw(parts / place / "x.png"), os.fsencode(parts / place) + b"/\xe4.png")
    message = refusal(parts)
    assert f"{place}/\\xe4.png: its name is not UTF-8; rename it" in message
    assert message.encode()


def test_a_class_whose_name_is_not_utf_8_is_listed(parts):
    os.rename(parts / "test/bent", os.fsencode(parts / "test") + b"/b\xe4nt")
    message = refusal(parts)
    assert "test/b\\xe4nt/0.png: its name is not UTF-8; rename it" in message
    assert message.encode()


def test_an_image_that_is_replaced_while_it_is_read_is_refused(parts, monkeypatch):
    def late(path: Path) -> tuple[int, int]:
        draw(path, value=9)
        return SIDE, SIDE

    monkeypatch.setattr(folder, "read_size", late)
    assert "test/bent/0.png: changed while it was read; start again" in refusal(parts)


def test_all_mistakes_are_listed_in_one_message(parts):
    (parts / "train/good/0.png").write_bytes(b"")
    (parts / "test/crack/0.png").write_text("hello")
    (parts / "ground_truth/bent/0_mask.png").unlink()
    (parts / "test/bent/1.png").unlink()  # leaves a mask without an image
    message = refusal(parts)
    assert message.startswith("4 files cannot be used")
    assert all(
        name in message
        for name in (
            *("train/good/0.png", "test/crack/0.png"),
            *("test/bent/0.png", "ground_truth/bent/1_mask.png"),
        )
    )


def test_a_message_stays_readable_when_everything_is_wrong(parts):
    for index in range(50):
        (parts / f"train/good/x{index}.png").write_bytes(b"")
    message = refusal(parts)
    assert message.startswith("50 files cannot be used")
    assert "... and 30 more" in message
    assert len(message.splitlines()) == 22


def test_a_missing_root_is_answered_with_the_folders_beside_it(parts):
    with pytest.raises(InputError, match=r"data\.root=.*/nowhere is not a folder; .* holds: parts"):
        read_folder(parts.parent / "nowhere", "parts")


@pytest.mark.parametrize("category", ["bottle", ""])
def test_a_missing_category_is_answered_with_the_existing_ones(category, parts):
    with pytest.raises(InputError, match=rf"data\.category={category} is not in .* holds: parts"):
        read_folder(parts.parent, category)


@pytest.mark.parametrize("category", ["../sets/parts", "sub/parts", "..", ".", "/parts", "a\\b"])
def test_a_category_is_the_name_of_a_folder_and_no_path(category, parts):
    with pytest.raises(
        InputError, match=r"data\.category must be the name of a folder in data\.root"
    ):
        read_folder(parts.parent, category)


def test_classes_that_would_share_a_metric_name_are_refused(parts):
    draw(parts / "test/Be+nt/0.png")
    draw(parts / "test/be&nt/0.png")
    message = refusal(parts)
    assert "classes Be+nt, be&nt would share the metric name be_nt; rename one" in message


def test_classes_that_differ_by_case_only_are_refused(parts):
    draw(parts / "test/Bent/0.png")
    assert "classes Bent, bent differ by case only" in refusal(parts)


def test_a_category_without_good_parts_is_refused(parts):
    (parts / "train/good").rename(parts / "train/fine")
    (parts / "test/good").rename(parts / "test/fine")
    assert "no class 'good'; it has bent, crack, fine" in refusal(parts)


def test_a_category_whose_good_images_were_deleted_is_refused(parts):
    for path in [*parts.glob("*/good/*.png")]:
        path.unlink()
    assert "good" in refusal(parts)


def test_good_parts_cannot_be_excluded(parts):
    assert "no images of class 'good' after data.exclude=[good]; there must be" in refusal(
        parts, exclude=["good"]
    )


def test_a_folder_without_images_says_what_is_expected(tmp_path):
    (tmp_path / "parts" / "train" / "good").mkdir(parents=True)
    assert "no images; expected train/good/*.png" in refusal(tmp_path / "parts")
