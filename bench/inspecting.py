"""What inspecting costs: a photo, eight views of it, and the time until the first verdict."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from anomaly.data.images import photo, pixels_of
from anomaly.runtime.import_keras import import_keras

import_keras()

import keras
import numpy as np

from anomaly.backbone import mobilenetv2
from anomaly.cache.store import NoCache
from anomaly.inspector.about import About
from anomaly.inspector.bundle import read, seal
from anomaly.inspector.inspector import Inspector
from anomaly.model.classifier import network
from anomaly.model.classifier.inference import reference
from anomaly.model.classifier.learner import Classifier
from anomaly.model.classifier.maps import Maps

CLASSES = ("good", "broken_large", "broken_small", "contamination")
SIZE = 640
ROUNDS = 7
STARTS = 5
MOST_VIEWS, MOST_START, MOST_OURS, MOST_PHOTO = 7.0, 8.0, 1.0, 1.1
KERAS_ALONE = """
import sys, keras
model = keras.saving.load_model(sys.argv[1], compile=False)
model.predict_on_batch(keras.ops.zeros((8, *model.input_shape[1:])))
"""


def measure(root: Path, folder: Path) -> list[dict]:
    """Three results, of MobileNetV2 with random weights at the default settings."""
    file = sorted((root / "bottle" / "test" / "broken_small").glob("*.png"))[0]
    bundles = {views: bundle(folder / str(views), views, file) for views in (1, 8)}
    inspectors = {views: read(bundle) for views, bundle in bundles.items()}
    return [
        _views(inspectors, file),
        _photo(inspectors[8], bundles[8], file),
        _start(bundles[8], file, folder),
    ]


def bundle(folder: Path, views: int, file: Path) -> Path:
    """A bundle of MobileNetV2 with random weights; `file` shows what good looks like."""
    keras.utils.set_random_seed(0)
    features = network.pool(
        mobilenetv2.build(image_size=SIZE, weights=None, alpha=1.0), ["C4"], ["avg", "max"]
    )
    width = features.output_shape[-1]
    head = network.head(width, len(CLASSES), units=1024, dropout=0.2, standardise=True)
    settings = {"levels": ["C4"], "pooling": ["avg", "max"], "views": views, "threshold": 0.5}
    learner = Classifier(network.join(features, head), CLASSES, settings, NoCache())
    learner.good = reference(Maps(features, ["C4"], views, NoCache()), [photo(file)])
    learner.save(folder)
    seal(folder, _about())
    return folder


def _about() -> About:
    return About(
        kind="classifier", ensemble=False, category="bottle", classes=list(CLASSES), grid=256,
        temperature=1.0, sorting_threshold=0.5, reject_below=0.9, validate_scores=[0.1, 0.9],
        validate_defective=[False, True], figures={}, evidence="nothing", outcomes={},
        run={"id": "0", "name": "bench"}, versions={}, created="",
    )  # fmt: skip


def _views(inspectors: dict[int, Inspector], file: Path) -> dict:
    one, eight = (
        median_of(partial(_inspect, inspector, file), time.process_time)
        for inspector in inspectors.values()
    )
    return line(
        f"a loaded bundle, mobilenetv2 at {SIZE} px, one photo from its file to its verdict:"
        " eight views / one, CPU",
        f"{eight / one:.1f} x ({eight:.2f} s / {one:.2f} s)",
        f"at most {MOST_VIEWS:.0f} x",
        eight / one <= MOST_VIEWS,
    )


def _inspect(inspector: Inspector, file: Path) -> None:
    inspector.inspect([photo(file)])


def _photo(inspector: Inspector, bundle: Path, file: Path) -> dict:
    """Against the whole Keras graph on the same eight pictures, and reading the photo."""
    model = keras.saving.load_model(bundle / "model.keras", compile=False)
    pictures = np.zeros((8, SIZE, SIZE, 3), np.float32)
    ours = median_of(partial(_inspect, inspector, file), time.process_time)
    graph = median_of(lambda: model.predict_on_batch(pictures), time.process_time)
    reading = median_of(lambda: pixels_of(photo(file)), time.process_time)
    ratio = ours / (graph + reading)
    return line(
        "the same photo at eight views / Keras' own graph on as many pictures, plus reading: CPU",
        f"{ratio:.2f} x ({ours:.2f} s / {graph:.2f} s + {reading:.3f} s)",
        f"at most {MOST_PHOTO} x",
        ratio <= MOST_PHOTO,
    )


def _start(bundle: Path, file: Path, folder: Path) -> dict:
    """From the command line to the first verdict, beside Keras alone with the same model."""
    inspect = ["-m", "anomaly.cli", "inspect", str(bundle), str(file), "--out"]
    ours = [until_first_verdict(inspect, folder / f"out{place}") for place in range(STARTS)]
    alone = [_seconds(["-c", KERAS_ALONE, str(bundle / "model.keras")]) for _ in range(STARTS)]
    total, of_keras = median(ours), median(alone)
    return line(
        f"anomaly inspect: from the command line to the first verdict (median of {STARTS})",
        f"{total:.1f} s, of it ours {total - of_keras:.1f} s (Keras alone: {of_keras:.1f} s)",
        f"at most {MOST_START:.0f} s, of it ours {MOST_OURS:.0f} s",
        total <= MOST_START and total - of_keras <= MOST_OURS,
    )


def until_first_verdict(words: list[str], out: Path) -> float:
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *words, str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not (out / "verdicts.jsonl").is_file():
            time.sleep(0.01)
        return time.perf_counter() - start


def _seconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], capture_output=True, check=True)
    return time.perf_counter() - start


def median_of(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Seconds of the work, once it is warm."""
    work()
    times = []
    for _ in range(ROUNDS):
        start = clock()
        work()
        times.append(clock() - start)
    return median(times)


def line(what: str, measured: str, claimed: str, holds: bool) -> dict:
    return {"what": what, "measured": measured, "claimed": claimed, "holds": bool(holds)}
