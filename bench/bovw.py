"""Bag of visual words: SIFT and vocabulary on two cores and one, and a run with a filled cache."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import yaml

CORES = 2
CLAIM_RATIO, CLAIM_RUN = 1.7, 20


def measure(root: Path, folder: Path) -> list[dict]:
    """Two results on `root`/bottle, with the defaults of model=bovw."""
    one, two = (_sift_and_vocabulary(root, folder, cores) for cores in (1, CORES))
    _run(root, folder)
    warm = _run(root, folder)
    ratio = one / two
    return [
        {
            "what": f"model=bovw on bottle, SIFT and vocabulary: one core / {CORES} cores",
            "measured": f"{ratio:.2f} x ({one:.0f} s / {two:.0f} s)",
            "claimed": f"at least {CLAIM_RATIO} x",
            "holds": ratio >= CLAIM_RATIO,
        },
        {
            "what": "model=bovw on bottle, a whole second run, imports and pictures included",
            "measured": f"{warm:.1f} s",
            "claimed": f"under {CLAIM_RUN} s",
            "holds": warm < CLAIM_RUN,
        },
    ]


def _run(root: Path, folder: Path) -> float:
    command = [sys.executable, "train.py", "model=bovw", "data.category=bottle"]
    start = time.perf_counter()
    subprocess.run([*command, f"data.root={root}", f"output={folder}"], check=True)
    return time.perf_counter() - start


def _sift_and_vocabulary(root: Path, folder: Path, cores: int) -> float:
    """Seconds, in a new process: libraries count the cores when they are imported."""
    command = [sys.executable, "-m", "bench.bovw", str(root), str(folder), str(cores)]
    process = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(process.stdout.split()[-1])


def _in_this_process(root: Path, folder: Path, cores: int) -> float:
    """Seconds from decoded images to the vocabulary, with an empty cache."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    from anomaly.augment import light
    from anomaly.cache.store import Cache
    from anomaly.data import mvtec
    from anomaly.model.bovw.descriptors import Sampling
    from anomaly.model.bovw.encoder import Encoder
    from anomaly.model.pictures import first_occurrences, training_pictures

    images, words = Cache(folder / "images", 8), Cache(folder / f"words{cores}", 8)
    dataset = mvtec.build(cache=images, **_values("data/mvtec") | {"root": str(root), "seed": 0})
    policy = light.build(seed=0, **_values("augment/light"))
    model = _values("model/bovw")
    versions = training_pictures(dataset.train.samples, policy, model["image_size"], images)
    pictures = [versions[index] for index in first_occurrences(versions)]
    for picture in pictures:
        picture.load()
    sampling = Sampling(model["sampling"], model["step"], tuple(model["scales"]))
    start = time.perf_counter()
    Encoder(sampling, words).vocabulary(pictures, model["words"], model["root"], seed=0)
    return time.perf_counter() - start


def _values(option: str) -> dict:
    settings = yaml.safe_load(Path(f"conf/{option}.yaml").read_text())
    return {key: value for key, value in settings.items() if not key.startswith("_")}


if __name__ == "__main__":
    print(_in_this_process(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
