"""Mask R-CNN, ResNet50-FPN at 512 px: times of a training step and of inference, in units.

A unit is the time of a forward pass of keras.applications.ResNet50 on 16 images of 224 px in the
same process. torchvision's maskrcnn_resnet50_fpn takes 9.4 units for a step and 2.5 for inference.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

if TYPE_CHECKING:
    from anomaly.model.mask_rcnn.network import Blocks

SIZE, BATCH, CLASSES, INSTANCES = 512, 2, 4, 20
STEP, INFERENCE = 9.4, 2.5  # units that torchvision takes
TRIES = 5


def measure(root: Path, folder: Path) -> list[dict]:
    """Two results, measured in a separate process, with random weights and images."""
    command = [sys.executable, "-m", "bench.detector"]
    process = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds = json.loads(process.stdout.splitlines()[-1])
    return [
        _line("a training step, batch 2, nothing frozen", seconds["step"], seconds["unit"], STEP),
        _line(
            "inference of one image, 1000 proposals",
            seconds["inference"],
            seconds["unit"],
            INFERENCE,
        ),
    ]


def _line(what: str, seconds: float, unit: float, limit: float) -> dict:
    units = seconds / unit
    return {
        "what": f"model=mask_rcnn backbone=resnet50, 512 px, four classes: {what}, in units of a"
        " forward pass of ResNet50 on 16 images of 224 px",
        "measured": f"{units:.1f} ({seconds:.2f} s / {unit:.2f} s)",
        "claimed": f"fewer than torchvision's {limit}",
        "holds": units < limit,
    }


def _in_this_process() -> dict[str, float]:
    import keras

    from anomaly.model.mask_rcnn.learning.loss_model import LossModel
    from anomaly.model.mask_rcnn.network import inference_model
    from anomaly.model.training.devices import jit

    blocks = resnet50_blocks()
    network = inference_model(blocks)
    loss_model = LossModel(network, blocks)
    loss_model.compile(keras.optimizers.SGD(1e-4), jit_compile=jit(None))
    network.compile(jit_compile=jit(None))
    plain = keras.applications.ResNet50(include_top=False, weights=None, pooling="avg")
    plain.compile(jit_compile=jit(None))
    batch = noise(BATCH, len(loss_model.anchors), blocks.settings.proposals)
    images = np.zeros((16, 224, 224, 3), np.float32)
    works = {
        "unit": partial(plain.predict_on_batch, images),
        "step": partial(loss_model.train_on_batch, batch),
        "inference": partial(network.predict_on_batch, batch["image"][:1]),
    }
    return {name: _seconds(work) for name, work in works.items()}


def resnet50_blocks() -> Blocks:
    """The network of conf/model/mask_rcnn.yaml on a ResNet50 with random weights."""
    from anomaly.backbone import resnet50
    from anomaly.model.mask_rcnn.network import Blocks, Settings

    values = yaml.safe_load(Path("conf/model/mask_rcnn.yaml").read_text())
    names = Settings.__dataclass_fields__
    settings: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in names
    }
    return Blocks(resnet50.build(image_size=SIZE, weights=None), CLASSES, Settings(**settings))


def noise(count: int, anchors: int, proposals: int) -> dict[str, np.ndarray]:
    """The inputs of a `LossModel`: `count` images of noise, with two instances each."""
    random = np.random.default_rng(0)
    boxes = np.zeros((count, INSTANCES, 4), np.float32)
    labels = np.zeros((count, INSTANCES), np.int32)
    instances = np.zeros((count, SIZE, SIZE), np.uint8)
    for index, (x1, y1, x2, y2) in enumerate([(100, 120, 180, 200), (300, 40, 420, 90)]):
        boxes[:, index], labels[:, index] = (x1, y1, x2, y2), index + 1
        instances[:, y1:y2, x1:x2] = index + 1
    return {
        "image": random.integers(0, 256, (count, SIZE, SIZE, 3), np.uint8),
        "boxes": boxes,
        "labels": labels,
        "instances": instances,
        "anchor_draw": random.random((count, anchors), np.float32),
        "region_draw": random.random((count, proposals + INSTANCES), np.float32),
    }


def _seconds(work: Callable[[], object]) -> float:
    work()  # traces and compiles
    times = []
    for _ in range(TRIES):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[TRIES // 2]


if __name__ == "__main__":
    print(json.dumps(_in_this_process()))
