"""What reading a photo costs, in CPU time, which other work on the machine disturbs least."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from anomaly.cache.store import NoCache
from anomaly.data.images import load_image, photo, resize
from anomaly.types import Image

LIMIT = 25.0  # ms
SIZE = 256
PHOTOS = 10
ROUNDS = 15


def measure(root: Path, folder: Path) -> list[dict]:
    """One result: a photo from file to network input, beside OpenCV, which checks nothing."""
    files = sorted((root / "bottle" / "train" / "good").glob("*.png"))[:PHOTOS]
    images = [photo(file) for file in files] * ROUNDS
    np.ones((32, SIZE, SIZE, 3), np.float32)  # a freed batch: malloc now keeps an image's memory
    turns = [(_milliseconds(_ours, image), _milliseconds(_opencv, image)) for image in images]
    ours, opencv = (median(times) for times in zip(*turns, strict=True))
    return [
        {
            "what": f"decode and resize a 900 x 900 PNG: CPU (median of {len(turns)})",
            "measured": f"{ours:.1f} ms, {ours / opencv:.2f} x of OpenCV alone ({opencv:.1f} ms)",
            "claimed": f"at most {LIMIT:.0f} ms",
            "holds": ours <= LIMIT,
        }
    ]


def _ours(image: Image) -> None:
    load_image(image, SIZE, NoCache())


def _opencv(image: Image) -> None:
    pixels = cv2.imread(str(image.source), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None
    resize(pixels, SIZE)


def _milliseconds(read: Callable[[Image], None], image: Image) -> float:
    start = time.process_time()
    read(image)
    return 1000 * (time.process_time() - start)
