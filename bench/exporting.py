"""What an exported model costs: a photo on each runtime against Keras, int8, and the first verdict."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np

from anomaly.cache.store import NoCache
from anomaly.data.images import load_image, photo
from anomaly.export.bundle import write
from anomaly.export.quantise import quantise
from anomaly.inspector.bundle import read
from anomaly.inspector.inspector import Inspector
from bench.inspecting import SIZE, STARTS, bundle, line, median_of, until_first_verdict

RUNTIMES = ("onnx", "openvino", "litert")
MOST, MOST_INT8, MOST_START = 0.45, 0.5, 1.5


def measure(root: Path, folder: Path) -> list[dict]:
    """MobileNetV2 with random weights: one view for the ratios, eight for the start."""
    files = sorted((root / "bottle" / "test" / "broken_small").glob("*.png"))
    one = read(bundle(folder / "1", 1, files[0]))
    pixels = load_image(photo(files[0]), SIZE, NoCache())[None]
    keras = _of_keras(one, pixels)
    seconds = {runtime: _exported(one, runtime, folder, pixels) for runtime in RUNTIMES}
    images = [photo(file) for file in files]
    int8 = _exported(one, "openvino", folder / "int8", pixels, partial(quantise, images))
    return [
        *(_ratio(f"{name} / Keras' predict()", seconds[name], keras, MOST) for name in RUNTIMES),
        _ratio("OpenVINO in int8 / in float32", int8, seconds["openvino"], MOST_INT8),
        _start(folder, files[0]),
    ]


def _of_keras(inspector: Inspector, pixels: np.ndarray) -> float:
    network = cast(Any, inspector.judge).graph(inspector.about.grid).network
    return median_of(lambda: network.predict(pixels, verbose=0), time.process_time)


def _exported(
    inspector: Inspector, runtime: str, folder: Path, pixels: np.ndarray, finish: Any = None
) -> float:
    """Seconds of CPU that one photo takes."""
    out = folder / runtime
    write(inspector, runtime, out, finish)
    network = cast(Any, read(out, threads=1).judge).network
    return median_of(lambda: network(pixels), time.process_time)


def _ratio(what: str, ours: float, theirs: float, most: float) -> dict:
    return line(
        f"one photo, one view of {SIZE} px, mobilenetv2: {what}, CPU",
        f"{ours / theirs:.2f} ({1000 * ours:.0f} ms / {1000 * theirs:.0f} ms)",
        f"at most {most}",
        ours / theirs <= most,
    )


def _start(folder: Path, file: Path) -> dict:
    """Eight views: what most people export."""
    out = folder / "start"
    write(read(bundle(folder / "8", 8, file)), "onnx", out)
    words = ["-m", "anomaly.cli", "inspect", str(out), str(file), "--out"]
    seconds = median(until_first_verdict(words, folder / f"out{n}") for n in range(STARTS))
    return line(
        f"anomaly inspect of an exported bundle, eight views: from the command line to the first"
        f" verdict (median of {STARTS})",
        f"{seconds:.1f} s",
        f"at most {MOST_START} s",
        seconds <= MOST_START,
    )
