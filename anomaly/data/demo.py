"""The demo data set: drawn images of a machined part, in the layout of MVTec AD.

The images lie in <root>/demo, or in <root>/<settings>/demo if <root>/demo was drawn with other
settings. Existing images are never replaced, so runs with different seeds can share a root.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from anomaly.cache.store import Cache
from anomaly.config.ranges import Count, Number, Seed, Share, Size
from anomaly.data import mvtec
from anomaly.data.drawn.render import KINDS, render
from anomaly.data.split import check_settings
from anomaly.errors import InputError
from anomaly.runtime.files import new_folder
from anomaly.types import GOOD, PARTS, Dataset

CATEGORY = "demo"
MARKER = "demo.json"
DRAWING = 2  # version of the drawing code; increased when it draws other images
GOOD_RATIO = 4  # good images for each image of one defect type
TRAIN_RATIO = 0.8  # share of the good images in train/good; the others are in test/good
# Sensor noise has no repetitions, so a search for them takes time and saves no bytes.
PNG_OPTIONS = [
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_RLE,
]


def build(
    *,
    cache: Cache,
    root: str,
    images: Number,
    side: Size,
    train: Share,
    test: Share,
    validate: Share,
    folds: Number | None,
    fold: Count,
    seed: Seed,
    copy_correlation: Share,
    grid: Size,
    min_instance_area: Count,
) -> Dataset:
    """Draw the images that are missing, then split them as `mvtec.build` does.

    `images` is the number for each defect type; there are four times as many good ones. `seed`
    determines both the images and the split.

    Raises:
        InputError: too few images for the splits or folds, or shares that make no sense.
    """
    check_settings(train + test + validate, folds, fold)
    needed = max(folds or 0, len(PARTS))
    if images < needed:
        raise InputError(
            f"data.images must be {needed} or more, one for each split or fold, got {images}"
        )
    folder = ensure_drawn(Path(root), seed=seed, side=side, images=images)
    return mvtec.build(
        cache=cache,
        root=str(folder),
        category=CATEGORY,
        exclude=[],
        train=train,
        test=test,
        validate=validate,
        folds=folds,
        fold=fold,
        seed=seed,
        copy_correlation=copy_correlation,
        grid=grid,
        min_instance_area=min_instance_area,
    )


def ensure_drawn(root: Path, *, seed: int, side: int, images: int) -> Path:
    """The folder whose subfolder demo/ has exactly these images, `side` pixels square.

    Raises:
        InputError: the subfolder for these settings exists with other content.
    """
    settings = {"drawing": DRAWING, "seed": seed, "side": side, "images": images}
    separate = root / "-".join(f"{key}{value}" for key, value in settings.items())
    for folder in (root, separate):
        if not (folder / CATEGORY).exists():
            _draw(folder, settings)
        if _settings_of(folder / CATEGORY) == settings:
            return folder
    raise InputError(
        f"{separate / CATEGORY} was changed after it was drawn; delete it to draw it again"
    )


def _settings_of(folder: Path) -> dict | None:
    try:
        return json.loads((folder / MARKER).read_text())
    except (OSError, ValueError):
        return None


def _draw(root: Path, settings: dict) -> None:
    """Draw all images or none; if another process finishes first, its images are kept."""
    root.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), new_folder(root / CATEGORY) as folder:
        _draw_all(folder, settings["seed"], settings["side"], settings["images"])
        (folder / MARKER).write_text(json.dumps(settings) + "\n")


def _draw_all(folder: Path, seed: int, side: int, images: int) -> None:
    plan = list(_plan(images))
    for path in {(folder / name).parent for _, _, *names in plan for name in names if name}:
        path.mkdir(parents=True)

    def draw(entry: tuple[str, int, str, str | None]) -> None:
        kind, index, image, mask = entry
        picture = render(kind, seed, index, side)
        _write(folder / image, cv2.cvtColor(picture.image, cv2.COLOR_RGB2BGR))
        if mask:
            _write(folder / mask, picture.mask.astype(np.uint8) * 255)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(draw, plan))


def _plan(images: int) -> Iterator[tuple[str, int, str, str | None]]:
    """(kind, index within the kind, image file, mask file) of every picture to draw."""
    train = int(images * GOOD_RATIO * TRAIN_RATIO)
    for index in range(images * GOOD_RATIO):
        split, number = ("train", index) if index < train else ("test", index - train)
        yield GOOD, index, f"{split}/{GOOD}/{number:03d}.png", None
    for kind in KINDS[1:]:
        for index in range(images):
            mask = f"ground_truth/{kind}/{index:03d}_mask.png"
            yield kind, index, f"test/{kind}/{index:03d}.png", mask


def _write(path: Path, pixels: np.ndarray) -> None:
    path.write_bytes(
        cv2.imencode(".png", pixels, PNG_OPTIONS)[1].tobytes()
    )  # imwrite ignores a full disk
