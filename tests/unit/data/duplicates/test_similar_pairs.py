"""Photographs of one part are found, however similar the poses of other parts are.

The parts are drawn at the size of a small camera's image: parts of one kind share an outline, no two
share a surface, and every photograph has different light, shift and sensor noise.
"""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
import pytest

from anomaly.data.duplicates.groups import group_numbers
from anomaly.data.duplicates.similar_pairs import similar_pairs
from anomaly.data.duplicates.texture import IMAGE_SIDE

SIDE = 220  # pixels
NOISE = 2.6  # grey levels of the sensor
POSES = {  # pixels, share of the size, degrees: how far parts differ
    "fixed": (0, 0, 0),
    "pose 2": (2, 0, 0),
    "pose 8": (8, 0, 0),
    "pose 20": (20, 0, 0),
    "size 10 %": (8, 0.1, 0),
    "any rotation": (3, 0, 360),
}
QUICK = {  # each pose, and each shape twice
    *(("fixed", "nut"), ("pose 2", "ring"), ("pose 8", "plate")),
    *(("pose 20", "nut"), ("size 10 %", "plate"), ("any rotation", "ring")),
}


def slow(*case: str):
    """`make test` leaves this case out: it has its surface, its pose and its shape elsewhere."""
    return pytest.param(*case, marks=pytest.mark.slow)


def marks(random: np.random.Generator, surface: str) -> np.ndarray:
    """(SIDE, SIDE) lighter and darker spots or lines, at random places of a part."""
    drawn = np.zeros((SIDE, SIDE), np.float32)
    for start in random.integers(55, 165, (40, 2)):
        level = float(random.choice([-1, 1]) * random.uniform(15, 45))
        if surface == "specks":
            cv2.circle(drawn, start.tolist(), int(random.integers(1, 4)), level, -1)
        else:
            cv2.line(drawn, start.tolist(), (start + random.integers(-40, 41, 2)).tolist(), level)
    return drawn


def surface_of(random: np.random.Generator, surface: str) -> np.ndarray:
    if surface in ("specks", "scratched"):
        return marks(random, surface)
    grain = {"clean": (1, 1, 0), "brushed": (30, 0.9, 12), "wood": (5, 1.2, 14), "nut": (2, 2, 10)}
    along, across, contrast = grain[surface]
    random_field = random.normal(size=(SIDE, SIDE)).astype(np.float32)
    drawn = cv2.GaussianBlur(random_field, (0, 0), sigmaX=along, sigmaY=across)
    return contrast * drawn / drawn.std()


def part(random: np.random.Generator, surface: str, shape: str) -> np.ndarray:
    """A ring, a nut or a plate, without noise, about the middle of its picture."""
    body = np.zeros((SIDE, SIDE), np.uint8)
    if shape == "plate":  # its hole is in a corner, so no turn of it looks like another
        cv2.rectangle(body, (55, 70), (165, 150), 255, -1)
        cv2.circle(body, (80, 90), 9, 80, -1, cv2.LINE_AA)
    else:
        angles = np.linspace(0, 2 * np.pi, 6 if shape == "nut" else 360, endpoint=False)
        corners = 64 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + SIDE // 2
        cv2.fillConvexPoly(body, corners.round().astype(np.int32), 255, cv2.LINE_AA)
        cv2.circle(body, (SIDE // 2, SIDE // 2), 20, 0, -1, cv2.LINE_AA)
    level = 90 + random.uniform(-15, 15) + surface_of(random, surface)
    return (70 + body / 255 * level).astype(np.float32)


def shot(random: np.random.Generator, scene: np.ndarray, pose: np.ndarray, move) -> np.ndarray:
    """(IMAGE_SIDE, IMAGE_SIDE) a photograph: moved, unevenly lit, noisy, of 256 grey levels."""
    pose = pose.copy()
    pose[:, 2] += move
    moved = cv2.warpAffine(scene, pose, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=1)
    y, x = np.mgrid[-0.5 : 0.5 : SIDE * 1j, -0.5 : 0.5 : SIDE * 1j]
    slope = random.uniform(-0.15, 0.15, 2)
    light = random.uniform(0.8, 1.15) + slope[0] * x + slope[1] * y
    exposed = moved * light + random.uniform(-10, 10) + random.normal(0, NOISE, moved.shape)
    image = np.clip(exposed, 0, 255).astype(np.uint8)
    return cv2.resize(image, (IMAGE_SIDE, IMAGE_SIDE)).astype(np.float32)


def photographs(surface, pose, *, seed, parts, shape="ring", shots=()):
    """(greys, part of each): `shots` counts the photographs of the first parts; others have one."""
    random, (shift, size, turn) = np.random.default_rng(seed), POSES[pose]
    greys, numbers = [], []
    for number in range(parts):
        scene, middle = part(random, surface, shape), ((SIDE - 1) / 2, (SIDE - 1) / 2)
        scale = 1 + random.uniform(-size, size)
        matrix = cv2.getRotationMatrix2D(middle, random.uniform(0, turn), scale)
        matrix[:, 2] += random.uniform(-shift, shift, 2)
        for _ in range(shots[number] if number < len(shots) else 1):
            greys.append(shot(random, scene, matrix, random.uniform(-1.5, 1.5, 2)))
            numbers.append(number)
    return np.stack(greys), numbers


def groups(greys: np.ndarray) -> list[int]:
    numbers = group_numbers(len(greys), map(tuple, similar_pairs(greys, 0.9).tolist()))
    return [sorted(set(numbers)).index(number) for number in numbers]


@pytest.mark.parametrize(
    "surface, pose, shape",
    [
        slow("specks", "fixed", "ring"),
        slow("specks", "pose 8", "ring"),
        ("specks", "size 10 %", "ring"),
        ("scratched", "pose 2", "nut"),
        slow("scratched", "pose 20", "ring"),
        ("brushed", "fixed", "nut"),
        slow("brushed", "size 10 %", "ring"),
        ("wood", "pose 8", "nut"),
        slow("wood", "any rotation", "ring"),
        ("nut", "pose 20", "ring"),
        ("nut", "any rotation", "nut"),
    ],
)
def test_two_three_and_five_shots_of_a_part_are_found_and_nothing_else(surface, pose, shape):
    greys, numbers = photographs(surface, pose, seed=0, parts=24, shape=shape, shots=(2, 3, 5))
    assert groups(greys) == numbers


@pytest.mark.parametrize(
    "pose, shape",
    [pair if pair in QUICK else slow(*pair) for pair in product(POSES, ("ring", "nut", "plate"))],
)
def test_parts_with_an_outline_and_nothing_else_are_independent(pose, shape):
    greys, numbers = photographs("clean", pose, seed=1, parts=24, shape=shape)
    assert groups(greys) == numbers


@pytest.mark.parametrize(
    "pose, shape",
    [("pose 8", "ring"), slow("size 10 %", "ring"), slow("any rotation", "plate")],
)
def test_more_parts_do_not_connect_different_ones(pose, shape):
    greys, numbers = photographs("specks", pose, seed=2, parts=60, shape=shape)
    assert groups(greys) == numbers


@pytest.mark.slow
@pytest.mark.parametrize("surface", ["specks", "scratched", "brushed", "wood", "nut", "clean"])
@pytest.mark.parametrize("pose", POSES)
def test_of_many_parts_at_most_two_percent_are_mistaken_for_copies(surface, pose):
    greys, _ = photographs(surface, pose, seed=3, parts=120)
    assert len(np.unique(similar_pairs(greys, 0.9))) <= 0.02 * len(greys)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_images_is_searched_without_complaint(count):
    greys, numbers = photographs("specks", "pose 8", seed=4, parts=count)
    assert groups(greys) == numbers
