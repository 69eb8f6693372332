"""Sweeps: compared with plain Keras, two jobs at a time, and run a second time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

JOBS, EPOCHS, SIZE = 20, 30, 224
CLAIM_PLAIN, CLAIM_EXTRA, CLAIM_PAIR, CLAIM_SKIP = 10, 1.5, 1.6, 10.0
BOTTLE = ("augment=classic", f"model.image_size={SIZE}", f"trainer.epochs={EPOCHS}")
SHORT = (
    *("data=demo", "data.images=24", "data.side=128", "model=tiny", "model.image_size=64"),
    *("trainer=smoke", "trainer.finetune.epochs=0"),
)


def measure(root: Path, folder: Path) -> list[dict]:
    """Four results: two on `root`/bottle with an empty cache, two on drawn parts."""
    return [*_heads(root, folder / "heads"), _pair(folder), _skipped(folder / "skipped")]


def _heads(root: Path, folder: Path) -> list[dict]:
    """Twenty heads on one backbone, and the time of each job beyond the training of its head."""
    data = (f"data.root={root}", "data.category=bottle", "model=mobilenetv2")
    rates = ",".join(f"{0.025 * k:g}" for k in range(JOBS))
    seconds = _sweep(folder, *data, *BOTTLE, f"model.dropout={rates}")
    pictures, trained, ends = _jobs(folder)
    plain = JOBS * EPOCHS * _plain_epoch(pictures)
    extra = (ends[-1] - ends[0]) / (JOBS - 1) - float(np.mean(trained[1:]))
    return [
        {
            "what": f"{JOBS} heads on mobilenetv2 ({EPOCHS} epochs of {pictures} pictures, 224 px,"
            " bottle, classic, empty cache): plain Keras' epochs alone / the whole sweep",
            "measured": f"{plain / seconds:.0f} x ({plain / 60:.0f} min / {seconds / 60:.1f} min)",
            "claimed": f"at least {CLAIM_PLAIN} x",
            "holds": plain / seconds >= CLAIM_PLAIN,
        },
        {
            "what": "of these, each further job beyond the training of its head",
            "measured": f"{extra:.2f} s",
            "claimed": f"under {CLAIM_EXTRA} s",
            "holds": extra < CLAIM_EXTRA,
        },
    ]


def _sweep(folder: Path, *words: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "train.py", "-m", *words, f"output={folder}"]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def _jobs(folder: Path) -> tuple[int, list[float], list[float]]:
    """Number of training pictures, seconds of training each head, end of each job (seconds)."""
    jobs = sorted(folder.glob("sweeps/*/*/run.json"), key=lambda path: int(path.parent.name))
    ends = [json.loads(path.read_text())["end_time"] / 1000 for path in jobs]
    trained = [_training_time(path.parent / "epochs.csv") for path in jobs]
    log = (jobs[0].parent / "train.log").read_text()
    return int(log.split("train features: ")[1].split()[0]), trained, ends


def _training_time(path: Path) -> float:
    """Seconds of all epochs, estimated from the ends of the first and the last."""
    times = [int(line.split(",")[0]) for line in path.read_text().splitlines()]
    return (times[-1] - times[0]) / 1000 * EPOCHS / (EPOCHS - 1)


def _plain_epoch(pictures: int) -> float:
    from anomaly.runtime.import_keras import import_keras

    import_keras()
    import keras

    from bench.plain import epoch_seconds

    random = np.random.default_rng(0)
    images = random.integers(0, 256, (pictures, SIZE, SIZE, 3)).astype(np.float32)
    return epoch_seconds(
        keras.applications.MobileNetV2, images, np.arange(pictures) % 4, "imagenet"
    )


def _pair(folder: Path) -> dict:
    """Eight short jobs, one after the other and two at a time, each in an empty output folder."""
    words = (*SHORT, "trainer.epochs=300", "seed=range(8)")
    one = _sweep(folder / "one", *words)
    two = _sweep(folder / "two", *words, "sweep.launcher=joblib", "sweep.launcher.n_jobs=2")
    return {
        "what": "8 short jobs on 2 cores: one after the other / joblib, two at a time",
        "measured": f"{one / two:.2f} x ({one:.0f} s / {two:.0f} s)",
        "claimed": f"at least {CLAIM_PAIR} x",
        "holds": one / two >= CLAIM_PAIR,
    }


def _skipped(folder: Path) -> dict:
    """A sweep of a hundred jobs that all finished before."""
    words = (*SHORT, "backbone.width=8", "trainer.epochs=1", "model.units=range(1,101)")
    _sweep(folder, *words)
    seconds = _sweep(folder, *words)
    return {
        "what": "a sweep of 100 jobs that all finished before",
        "measured": f"{seconds:.1f} s",
        "claimed": f"under {CLAIM_SKIP:.0f} s",
        "holds": seconds < CLAIM_SKIP,
    }
