"""The demo data set: seeded, with exact masks, complete or absent, and without copies."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from anomaly.cache.store import Cache
from anomaly.data import demo
from anomaly.data.drawn import studio
from anomaly.data.drawn.flange import random_view
from anomaly.data.drawn.render import KINDS, render
from anomaly.errors import InputError

DEFECTS = ("hole", "scratch", "stain")


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.png")}


def generator(kind: str, seed: int, index: int) -> np.random.Generator:
    return np.random.default_rng([seed, KINDS.index(kind), index])


def change(kind: str, seed: int, index: int, side: int) -> np.ndarray:
    """By how much a picture differs from the same part without its defect: 0 to 255."""
    rng = generator(kind, seed, index)
    part = studio.picture(rng, random_view(rng, side))
    sound = studio.random_camera(rng, side)(part)
    return np.abs(render(kind, seed, index, side).image.astype(int) - sound).max(-1)


def build(root: Path, **changes):
    values = dict(
        root=str(root), images=3, side=64, train=0.7, test=0.15, validate=0.15, folds=None,
        fold=0, seed=0, copy_correlation=0.9, grid=64, min_instance_area=0,
    )  # fmt: skip
    return demo.build(cache=Cache(root / "cache", 1), **(values | changes))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_depends_on_kind_seed_index_and_nothing_else(kind):
    first, again = render(kind, 1, 2, 64), render(kind, 1, 2, 64)
    assert np.array_equal(first.image, again.image) and np.array_equal(first.mask, again.mask)
    for other in (render(kind, 2, 2, 64), render(kind, 1, 3, 64)):
        assert (first.image != other.image).mean() > 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [32, 128, 256])
def test_a_mask_holds_what_the_defect_changed_and_nothing_else(kind, side):
    for index in range(4):
        picture, changed = render(kind, 7, index, side), change(kind, 7, index, side) > 0
        assert not changed[~picture.mask].any()
        assert picture.mask.any() == (kind != "good")
        assert kind == "good" or changed[picture.mask].mean() > 0.9


@pytest.mark.parametrize("kind", DEFECTS)
def test_defects_lie_on_metal_and_can_be_seen(kind):
    for index in range(8):
        mask = render(kind, 3, index, 128).mask
        view = random_view(generator(kind, 3, index), 128)
        assert view.metal[mask].min() > 0
        assert np.percentile(change(kind, 3, index, 128)[mask], 75) > 25
        assert 20 <= mask.sum() <= 0.15 * mask.size


def test_the_layout_and_the_counts_are_those_of_mvtec_ad(tmp_path):
    folder = demo.ensure_drawn(tmp_path, seed=0, side=32, images=5) / "demo"
    count = Counter(str(Path(name).parent) for name in contents(folder))
    defects = {f"{part}/{k}": 5 for part in ("test", "ground_truth") for k in DEFECTS}
    assert count == {"train/good": 16, "test/good": 4} | defects
    assert (folder / "test/hole/004.png").exists()
    mask = cv2.imread(str(folder / "ground_truth/hole/004_mask.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (32, 32) and set(np.unique(mask)) == {0, 255}
    image = cv2.imread(str(folder / "train/good/000.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(image[..., ::-1], render("good", 0, 0, 32).image)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    drawn = {
        name: contents(demo.ensure_drawn(tmp_path / name, seed=seed, side=32, images=3))
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    }
    assert drawn["a"] == drawn["b"]
    assert all(drawn["a"][name] != drawn["c"][name] for name in drawn["a"] if "test" in name)


def test_existing_images_are_not_drawn_again(tmp_path, monkeypatch):
    demo.ensure_drawn(tmp_path, seed=0, side=32, images=3)
    monkeypatch.setattr(demo, "render", None)
    assert demo.ensure_drawn(tmp_path, seed=0, side=32, images=3) == tmp_path


def test_other_settings_are_drawn_in_another_folder(tmp_path):
    before = contents(demo.ensure_drawn(tmp_path, seed=0, side=32, images=3) / "demo")
    for changes in ({"seed": 1}, {"side": 64}, {"images": 4}):
        settings = {"seed": 0, "side": 32, "images": 3} | changes
        root = demo.ensure_drawn(tmp_path, **settings)
        assert root.parent == tmp_path and contents(root / "demo") != before
        assert demo.ensure_drawn(tmp_path, **settings) == root
    assert contents(tmp_path / "demo") == before


def test_an_interrupted_drawing_leaves_nothing_and_is_redone(tmp_path, monkeypatch):
    def interrupted(kind, seed, index, side):
        if kind == "stain":
            raise KeyboardInterrupt
        return render(kind, seed, index, side)

    monkeypatch.setattr(demo, "render", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo.ensure_drawn(tmp_path, seed=0, side=32, images=3)
    assert not os.listdir(tmp_path)
    monkeypatch.setattr(demo, "render", render)
    demo.ensure_drawn(tmp_path, seed=0, side=32, images=3)
    assert len(contents(tmp_path / "demo")) == 12 + 9 + 9


def test_a_folder_that_we_did_not_draw_is_not_changed(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/demo.json").write_text("{")
    root = demo.ensure_drawn(tmp_path, seed=0, side=32, images=3)
    assert root != tmp_path and os.listdir(tmp_path / "demo") == ["demo.json"]
    (root / "demo/demo.json").unlink()
    with pytest.raises(InputError, match="delete it to draw it again"):
        demo.ensure_drawn(tmp_path, seed=0, side=32, images=3)


def test_several_at_once_leave_one_complete_drawing(tmp_path):
    def draw(_):
        return demo.ensure_drawn(tmp_path, seed=0, side=32, images=3)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(draw, range(4))) == {tmp_path}
    assert os.listdir(tmp_path) == ["demo"]
    assert len(contents(tmp_path / "demo")) == 12 + 9 + 9


def test_build_puts_every_class_in_every_part_and_finds_no_copies(tmp_path):
    dataset = build(tmp_path, images=4)
    assert dataset.category == "demo" and dataset.classes == ("good", *DEFECTS)
    assert all(set(split.labels) == {0, 1, 2, 3} for split in dataset.splits)
    assert sum(map(len, dataset.splits)) == 16 + 12
    assert dataset.copies == {}
    assert build(tmp_path, images=4).digest == dataset.digest


@pytest.mark.parametrize("changes, needed", [({"images": 2}, 3), ({"images": 4, "folds": 5}, 5)])
def test_too_few_images_are_refused_before_anything_is_drawn(tmp_path, changes, needed):
    with pytest.raises(
        InputError, match=f"data.images must be {needed} or more, one for each split or fold"
    ):
        build(tmp_path, **changes)
    assert not (tmp_path / "demo").exists()


def test_a_fold_without_folds_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(InputError, match=r"data\.fold=7 needs data\.folds=K"):
        build(tmp_path, images=4, fold=7)
    assert not list(tmp_path.iterdir())
