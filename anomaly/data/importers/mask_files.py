"""Finds the mask of each image, and masks that belong to no image or to two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from anomaly.data.file import File
from anomaly.data.importers.layout import files_of, listing, printable, subfolders
from anomaly.data.read import SUFFIXES, UnreadableImage, read_mask
from anomaly.types import GOOD


def mask_of(folder: Path, image: Path, label: str, size: tuple[int, int]) -> Path:
    """The mask of a defective image: ground_truth/<label>/<name>_mask.<suffix>, or without _mask.

    Raises:
        UnreadableImage: there is none, or it is unreadable, empty or not (height, width) `size`.
    """
    place = folder / "ground_truth" / label
    names = [image.stem + end + suffix for end in ("_mask", "") for suffix in SUFFIXES]
    mask = next((place / name for name in names if (place / name).is_file()), None)
    if mask is None:
        raise UnreadableImage(f"no mask; expected ground_truth/{label}/{names[0]}")
    _check(mask, mask.relative_to(folder).as_posix(), size)
    return mask


def _check(mask: Path, name: str, size: tuple[int, int]) -> None:
    try:
        pixels = read_mask(mask)
    except UnreadableImage as error:
        raise UnreadableImage(f"its mask {name} is unusable: {error}") from None
    if pixels.shape != size:
        actual, expected = (" x ".join(map(str, shape)) for shape in (pixels.shape, size))
        raise UnreadableImage(f"its mask {name} is {actual} pixels, the image {expected}")
    if not pixels.any():
        raise UnreadableImage(f"its mask {name} is empty (all black)")


def shared_masks(folder: Path, files: Iterable[File]) -> list[str]:
    """One sentence for every mask of two images, as it can fit only one of them."""
    users: dict[Path, list[str]] = defaultdict(list)
    for file in files:
        if file.mask:
            users[file.mask].append(file.id)
    return [
        f"{mask.relative_to(folder).as_posix()}: the mask of two images, {' and '.join(ids[:2])};"
        " give each image a different name and a mask with that name"
        for mask, ids in users.items()
        if len(ids) > 1
    ]


def masks_without_image(folder: Path, classes: Iterable[str]) -> list[str]:
    """One sentence for every mask that has no image in its class."""
    sentences = []
    for label in sorted(set(classes) - {GOOD}):
        stems = {path.stem for path, _ in files_of(folder, label)}
        masks = _images_in(folder / "ground_truth" / label)
        sentences += [
            printable(
                f"ground_truth/{label}/{mask.name}: no image test/{label}/{_image_stem(mask)}.*"
            )
            for mask in masks
            if not {mask.stem, _image_stem(mask)} & stems
        ]
    return sentences


def masks_without_class(folder: Path, classes: Iterable[str]) -> list[str]:
    """One sentence for every folder of masks that belongs to no class: probably a typo."""
    if set(classes) == {GOOD}:
        return []  # the images of all defects are missing, which has a message in `read_folder`
    places = sorted(set(subfolders(folder / "ground_truth")) - set(classes))
    return [
        printable(f"ground_truth/{name}: masks of a class without images; expected test/{name}")
        for name in places
        if _images_in(folder / "ground_truth" / name)
    ]


def _images_in(folder: Path) -> list[Path]:
    return [path for path in listing(folder) if path.suffix.lower() in SUFFIXES]


def _image_stem(mask: Path) -> str:
    return mask.stem.removesuffix("_mask")
