"""The demo data set: a machined part drawn by our own code, in the layout of MVTec AD.

Pictures lie in <root>/demo, or, where other settings were drawn there before, in
<root>/<settings>/demo: nothing drawn is ever replaced, so runs with different seeds can share a
root without pulling pictures from under each other.
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
from anomaly.errors import InputError
from anomaly.runtime.files import new_folder
from anomaly.types import GOOD, PARTS, Dataset

CATEGORY = "demo"
MARKER = "demo.json"
DRAWING = 2  # raise it when the drawing changes, so that it is drawn anew
GOOD_RATIO = 4  # good parts to one of each defect type
TRAIN_RATIO = 0.8  # of the good parts, in train/good; the rest is in test/good
# Sensor noise repeats nothing, so a search for repetitions costs time and saves no bytes.
FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]


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
    """Draw what is not there yet, then split it as `mvtec.build` does.

    `images` counts each defect type; good parts are four times as many. `seed` names both the
    drawing and the split.

    Raises:
        InputError: too few images for the parts or folds, or shares that make no sense.
    """
    mvtec.check(train + test + validate, folds, fold)
    least = max(folds or 0, len(PARTS))
    if images < least:
        raise InputError(f"data.images must be {least} or more, one for each part, got {images}")
    home = ensure_drawn(Path(root), seed=seed, side=side, images=images)
    return mvtec.build(
        cache=cache,
        root=str(home),
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
    """The folder below which demo/ holds exactly these pictures, `side` pixels square.

    Raises:
        InputError: something else stands where the pictures belong.
    """
    settings = {"drawing": DRAWING, "seed": seed, "side": side, "images": images}
    own = root / "-".join(f"{key}{value}" for key, value in settings.items())
    for home in (root, own):
        if not (home / CATEGORY).exists():
            _draw(home, settings)
        if _settings_of(home / CATEGORY) == settings:
            return home
    raise InputError(f"{own / CATEGORY} was changed after it was drawn; delete it to draw it anew")


def _settings_of(folder: Path) -> dict | None:
    try:
        return json.loads((folder / MARKER).read_text())
    except (OSError, ValueError):
        return None


def _draw(home: Path, settings: dict) -> None:
    """All pictures or none; those of another process that was faster serve as well."""
    home.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), new_folder(home / CATEGORY) as folder:
        _draw_all(folder, settings["seed"], settings["side"], settings["images"])
        (folder / MARKER).write_text(json.dumps(settings) + "\n")


def _draw_all(folder: Path, seed: int, side: int, images: int) -> None:
    plan = list(_plan(images))
    for path in {(folder / name).parent for _, _, *names in plan for name in names if name}:
        path.mkdir(parents=True)

    def one(entry: tuple[str, int, str, str | None]) -> None:
        kind, index, image, mask = entry
        picture = render(kind, seed, index, side)
        _write(folder / image, cv2.cvtColor(picture.image, cv2.COLOR_RGB2BGR))
        if mask:
            _write(folder / mask, picture.mask.astype(np.uint8) * 255)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, plan))


def _plan(images: int) -> Iterator[tuple[str, int, str, str | None]]:
    """(kind, index among its kind, image, mask) of every picture to draw."""
    train = int(images * GOOD_RATIO * TRAIN_RATIO)
    for index in range(images * GOOD_RATIO):
        part, number = ("train", index) if index < train else ("test", index - train)
        yield GOOD, index, f"{part}/{GOOD}/{number:03d}.png", None
    for kind in KINDS[1:]:
        for index in range(images):
            mask = f"ground_truth/{kind}/{index:03d}_mask.png"
            yield kind, index, f"test/{kind}/{index:03d}.png", mask


def _write(path: Path, pixels: np.ndarray) -> None:
    path.write_bytes(cv2.imencode(".png", pixels, FAST)[1].tobytes())  # imwrite hides a full disk
