"""The detector's training batches: image, boxes and masks move together."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from anomaly.config.schema import StageConfig
from anomaly.masks.boxes import box_of
from anomaly.masks.overlap import iou
from anomaly.model.mask_rcnn.learning.batches import Batches, Shapes, example

SIZE, MOST = 64, 5


@pytest.fixture
def batches(demo, store, parsed, build):
    """batches(augment="light", ...) of the demo's train split."""

    def make(augment: str = "none", most: int = MOST, **changes) -> Batches:
        policy = build(parsed(f"augment={augment}").augment, seed=0)
        stage = StageConfig(1, 1e-3, 4, changes.pop("steps", None))
        options = {"stage": stage, "negatives": 1.0, "seed": 0, **changes}
        return Batches(demo.train, policy, store, Shapes(SIZE, 10, 20, most), **options)

    return make


def epoch_of(batches: Batches, epoch: int) -> list[dict[str, np.ndarray]]:
    batches.begin(epoch)
    return [batches[index][0] for index in range(len(batches))]


def test_shapes_and_types(batches):
    batch = batches()[0][0]
    assert {name: array.shape for name, array in batch.items()} == {
        "image": (4, SIZE, SIZE, 3),
        "boxes": (4, MOST, 4),
        "labels": (4, MOST),
        "instances": (4, SIZE, SIZE),
        "anchor_draw": (4, 10),
        "region_draw": (4, 20 + MOST),
    }
    assert {name: array.dtype for name, array in batch.items() if "draw" not in name} == {
        "image": np.uint8,
        "boxes": np.float32,
        "labels": np.int32,
        "instances": np.uint8,
    }


@pytest.mark.parametrize("augment", ["none", "light", "classic", "strong"])
@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_every_box_is_that_of_its_mask_after_any_augmentation(augment, epoch, batches):
    instances = 0
    for batch in epoch_of(batches(augment), epoch):
        for boxes, labels, label_map in zip(
            batch["boxes"], batch["labels"], batch["instances"], strict=True
        ):
            for place in range(MOST):
                mask = label_map == place + 1
                assert mask.any() == (labels[place] > 0)
                if mask.any():
                    assert boxes[place].tolist() == list(box_of(mask))
                    instances += 1
                else:
                    assert not boxes[place].any()
    assert instances


@pytest.mark.parametrize("augment", ["light", "classic", "strong"])
def test_image_and_instances_move_together(batches, augment):
    """Bright pixels belong to an instance, at the border as well."""
    policy = batches(augment).policy
    label_map = np.zeros((64, 64), np.uint8)
    label_map[4:20, 8:18], label_map[40:50, 44:62] = 1, 2
    image = np.where(label_map[..., None] > 0, 200, 60).astype(np.uint8).repeat(3, 2)
    versions = [policy.apply(image, label_map, "a", version) for version in range(1, 9)]
    for moved, instances in versions:
        made = example(moved, instances, label=1, max_instances=MOST)
        grey = cv2.GaussianBlur(made["image"][..., 0], (0, 0), 1)
        bright = grey > (float(grey.min()) + grey.max()) / 2
        assert iou(bright, made["instances"] > 0) > 0.85
    assert len({moved.tobytes() for moved, _ in versions}) > 4


def test_all_defective_images_are_in_every_epoch_and_as_many_good_ones(batches, demo):
    train = batches()
    defective = sum(sample.label > 0 for sample in demo.train)
    for epoch in range(3):
        train.begin(epoch)
        drawn = {sample.id for sample in train.order}
        good = {sample.id for sample in train.order if not sample.label}
        assert len(drawn) - len(good) == defective
        assert len(good) == min(defective, len(train.good))


def test_good_images_differ_from_epoch_to_epoch(batches):
    train = batches(negatives=0.3)
    drawn = []
    for epoch in range(6):
        train.begin(epoch)
        drawn.append(frozenset(s.id for s in train.order if not s.label))
    assert len(set(drawn)) > 1


def test_an_epoch_can_be_limited_to_some_batches_whose_images_change(batches):
    train = batches(steps=1)
    assert len(train) == 1
    drawn = []
    for epoch in range(4):
        train.begin(epoch)
        assert len(train.order) == 4
        drawn.append(frozenset(sample.id for sample in train.order))
    assert len(set(drawn)) > 1


def test_an_epoch_depends_on_its_number_and_the_seed_alone(batches):
    train = batches("strong")
    first = epoch_of(train, 3)
    epoch_of(train, 1)
    for one, again in zip(first, epoch_of(train, 3), strict=True):
        assert all(np.array_equal(one[name], again[name]) for name in one)
    other = epoch_of(batches("strong", seed=1), 3)
    assert not np.array_equal(first[0]["anchor_draw"], other[0]["anchor_draw"])


def test_an_instance_outside_of_the_image_has_no_box():
    label_map = np.zeros((8, 8), np.uint8)
    label_map[1, 1], label_map[5:7, 4] = 1, 3  # the second is outside
    made = example(np.zeros((8, 8, 3), np.uint8), label_map, label=2, max_instances=4)
    assert made["labels"].tolist() == [2, 2, 0, 0]
    assert made["boxes"][:2].tolist() == [[4, 5, 5, 7], [1, 1, 2, 2]]
    assert np.unique(made["instances"]).tolist() == [0, 1, 2]


@pytest.mark.parametrize("augment", ["strong", "classic"])
def test_a_mirror_image_at_the_border_is_a_separate_instance(batches, demo, augment):
    """A defect at the edge, turned and moved: it and its mirror image are two."""
    policy = batches(augment).policy
    image, mask = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)
    mask[6:14, 8:18] = 1
    twice = 0
    for version in range(1, 40):
        moved, label_map = policy.apply(image, mask, "a", version)
        made = example(moved, label_map, label=1, max_instances=MOST)
        for number in range(1, made["instances"].max() + 1):
            instance = (made["instances"] == number).astype(np.uint8)
            near = cv2.dilate(instance, np.ones((3, 3), np.uint8))
            assert cv2.connectedComponents(near, connectivity=8)[0] == 2  # with the background
        twice += made["labels"][1] > 0
    assert twice > 0


def test_a_thin_instance_with_gaps_is_one():
    label_map = np.zeros((32, 32), np.uint8)
    label_map[10, 4:28:2] = 1
    made = example(np.zeros((32, 32, 3), np.uint8), label_map, label=1, max_instances=4)
    assert made["labels"].tolist() == [1, 0, 0, 0]
    assert made["boxes"][0].tolist() == [4, 10, 27, 11]


def test_of_too_many_instances_the_largest_are_kept_and_the_others_counted(batches, demo, tmp_path):
    from PIL import Image

    mask = np.zeros((64, 64), np.uint8)
    for k in range(6):
        mask[10 * k : 10 * k + 2 + k, 5:15] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    train = batches(most=2)
    sample = train.defective[0]
    annotation = replace(sample.annotation, mask=tmp_path / "mask.png")
    sample = replace(sample, annotation=annotation)
    train.defective = [sample]
    assert train.left_out() == 4
    boxes = train._example(sample)["boxes"]
    assert [box[3] - box[1] for box in boxes] == [7, 6]
