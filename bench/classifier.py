"""Cached features compared with plain Keras: epochs of the head, a whole run, and a second run."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import yaml

from anomaly.runtime.import_keras import import_keras

import_keras()

from anomaly.augment import classic
from anomaly.cache.store import Cache
from anomaly.config.schema import StageConfig
from anomaly.data import mvtec
from anomaly.model.classifier import network
from anomaly.model.classifier.head_training import train_head
from anomaly.model.features import Extractor
from anomaly.model.pictures import training_pictures
from anomaly.model.training.checkpoint import Checkpoint
from anomaly.types import Dataset
from bench.plain import BATCH, epoch_seconds

SIZE, CLASSES = 224, 4
VALIDATION = 44  # images of bottle's validate part
HEAD_EPOCHS = 50
CLAIM_EPOCH, CLAIM_RUN = 90, 8 * 60


def measure(root: Path, folder: Path) -> list[dict]:
    """Three results on `root`/bottle, with the classic recipe."""
    cold, warm = _transfer_run(root, folder), _second_run(root, folder)
    plain, cached = _epochs(root, folder)
    ratio = plain / cached
    return [
        {
            "what": "head epoch, mobilenetv2, 224 px, batch 32, bottle, classic:"
            " plain Keras (frozen backbone in the graph, images in memory) / cached features",
            "measured": f"{ratio:.0f} x ({plain:.2f} s / {cached:.4f} s)",
            "claimed": f"at least {CLAIM_EPOCH} x",
            "holds": ratio >= CLAIM_EPOCH,
        },
        {
            "what": "experiment=classic_mobilenetv2 (2300 + 5 epochs) on bottle, empty cache",
            "measured": f"{cold / 60:.1f} min (plain Keras: {2305 * plain / 3600:.1f} h)",
            "claimed": f"under {CLAIM_RUN // 60} min",
            "holds": cold < CLAIM_RUN,
        },
        {
            "what": "second run on the same data: backbone passes before the first head epoch",
            "measured": str(warm),
            "claimed": "0",
            "holds": warm == 0,
        },
    ]


def _command(root: Path, folder: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "train.py", "experiment=classic_mobilenetv2"),
        *(f"data.root={root}", "data.category=bottle", f"output={folder}", *more),
    ]


def _transfer_run(root: Path, folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(_command(root, folder), check=True)
    return time.perf_counter() - start


def _second_run(root: Path, folder: Path) -> int:
    """The number of pictures that a second run sends through the backbone."""
    command = _command(root, folder, "trainer.epochs=1", "trainer.finetune.epochs=0")
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    counts = re.findall(r"(?:train|validation) features: \d+ pictures, (\d+) not in", output)
    if len(counts) != 2:
        raise RuntimeError(
            f"the output does not contain the number of computed features:\n{output}"
        )
    return sum(map(int, counts))


def _epochs(root: Path, folder: Path) -> tuple[float, float]:
    """Seconds of one epoch in plain Keras, and with cached features."""
    import keras

    from anomaly.backbone import mobilenetv2

    cache = Cache(folder / "cache", 8)
    dataset = _dataset(root, cache)
    policy = classic.build(seed=0, factor=12, rotation=90, brightness=(0.5, 1.5))
    pictures = training_pictures(dataset.train.samples, policy, SIZE, cache)
    images = np.stack([picture.load() for picture in pictures]).astype(np.float32)
    labels = np.repeat(dataset.train.labels, policy.versions(dataset.train.labels))
    backbone = mobilenetv2.build(image_size=SIZE, weights="imagenet", alpha=1.0)
    features = network.pool(backbone, ["C5"], ["avg"])
    vectors = Extractor(features, cache)(pictures)
    plain = epoch_seconds(keras.applications.MobileNetV2, images, labels, "imagenet")
    return plain, _cached(keras, vectors, labels, folder)


def _cached(keras, vectors: np.ndarray, labels: np.ndarray, folder: Path) -> float:
    """Mean seconds of an epoch of the head, by the code that runs use, with its reports."""
    head = network.head(vectors.shape[1], CLASSES, units=1024, dropout=0.2, standardise=False)
    data = (vectors, labels)
    validation = (vectors[:VALIDATION], labels[:VALIDATION])

    def train(epochs: int) -> float:
        stage = StageConfig(epochs, 1e-3, BATCH)
        start = time.perf_counter()
        optimizer = keras.optimizers.Adam(1e-3)
        checkpoint = Checkpoint(folder, f"epochs{epochs}")
        train_head(head, optimizer, data, validation, stage, 0, lambda *_: None, checkpoint)
        return time.perf_counter() - start

    once = train(1)  # mostly tracing and compiling
    return (train(1 + HEAD_EPOCHS) - once) / HEAD_EPOCHS


def _dataset(root: Path, cache: Cache) -> Dataset:
    settings = yaml.safe_load(Path("conf/data/mvtec.yaml").read_text())
    values = {k: v for k, v in settings.items() if not k.startswith("_")}
    return mvtec.build(cache=cache, **values | {"root": str(root), "seed": 0})
