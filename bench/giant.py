"""The classic recipe of InceptionResNetV2 and plain Keras: random weights, drawn parts."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

SIZE, EPOCHS, CLAIM = 299, 2305, 80
DATA = ("data=demo", "data.images=5", "data.side=320")


def measure(root: Path, folder: Path) -> list[dict]:
    """One result: 2305 times an epoch in plain Keras, divided by the time of the whole run."""
    seconds, pictures = _run(folder)
    plain = _plain(pictures)
    ratio = EPOCHS * plain / seconds
    return [
        {
            "what": f"experiment=classic_inceptionresnetv2 (2300 + 5 epochs of {pictures} pictures,"
            " random weights, demo parts): plain Keras' epoch x 2305 / the whole run, empty cache",
            "measured": f"{ratio:.0f} x ({EPOCHS * plain / 3600:.1f} h / {seconds / 60:.1f} min)",
            "claimed": f"at least {CLAIM} x",
            "holds": ratio >= CLAIM,
        }
    ]


def _run(folder: Path) -> tuple[float, int]:
    """Seconds of the run, and the number of pictures that it trained on."""
    command = [sys.executable, "train.py", "experiment=classic_inceptionresnetv2", *DATA]
    options = ["backbone.weights=null", f"output={folder}"]
    start = time.perf_counter()
    process = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    match = re.search(r"train features: (\d+) pictures", process.stdout)
    if match is None:
        raise RuntimeError(f"the output does not contain the number of pictures:\n{process.stdout}")
    return seconds, int(match[1])


def _plain(pictures: int) -> float:
    import keras

    from bench.plain import epoch_seconds

    random = np.random.default_rng(0)
    images = random.integers(0, 256, (pictures, SIZE, SIZE, 3)).astype(np.float32)
    labels = np.arange(pictures) % 4
    return epoch_seconds(keras.applications.InceptionResNetV2, images, labels, None)
