"""Mask R-CNN on a GPU: ResNet50-FPN, 512 px, batches of eight, bfloat16, compiled by JAX.

It is compared with a forward and backward pass of a plain ResNet50-FPN of the same size in the same
process. `make bench PARTS=gpu ROOT=DIR` needs a GPU that JAX can use.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.detector import INSTANCES, SIZE, noise, resnet50_blocks

if TYPE_CHECKING:
    import keras

    from anomaly.model.mask_rcnn.learning.loss_model import LossModel

BATCH, TRIES, EPOCHS = 8, 20, 12
DEFECTS = 48  # drawn images of each of three types; as many good ones are trained on
MAX_WAITING = 0.2  # share of a training in which the GPU waits


def measure(root: Path, folder: Path) -> list[dict]:
    """Three results, measured in a separate process, with random weights and drawn parts."""
    command = [sys.executable, "-m", "bench.gpu"]
    jax = {**os.environ, "KERAS_BACKEND": "jax"}
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=jax)
    if process.returncode:
        sys.exit(process.returncode)  # it has printed the reason
    return _lines(json.loads(process.stdout.splitlines()[-1]))


def _lines(figures: dict[str, Any]) -> list[dict]:
    what = f"model=mask_rcnn backbone=resnet50 on {figures['gpu']}, {SIZE} px, bfloat16, JAX: "
    step, plain, inference = figures["step"], figures["plain"], figures["inference"]
    training, waiting = figures["training"], 1 - step / figures["training"]
    return [
        {
            "what": f"{what}images a second while training, batch {BATCH}",
            "measured": f"{1 / training:.0f}; the device alone {1 / step:.0f}, plain"
            f" ResNet50-FPN forward and backward {1 / plain:.0f};"
            f" {figures['gigabytes']:.1f} GB",
            "claimed": "reported",
            "holds": True,
        },
        {
            "what": f"{what}the share of a training in which the GPU waits",
            "measured": f"{waiting:.2f}",
            "claimed": f"under {MAX_WAITING}",
            "holds": waiting < MAX_WAITING,
        },
        {
            "what": f"{what}images a second in inference, 1000 proposals",
            "measured": f"{1 / figures['prediction']:.0f} into masks; the device alone {1 / inference:.0f},"
            f" plain ResNet50-FPN forward and backward {1 / plain:.0f}",
            "claimed": "reported",
            "holds": True,
        },
    ]


def _in_this_process(folder: Path) -> dict[str, Any]:
    """Seconds per image of each kind of work, and the memory used."""
    import jax
    import keras

    gpus = [device for device in jax.devices() if device.platform == "gpu"]
    if not gpus:
        sys.exit("JAX finds no GPU here; this measurement needs one")
    from anomaly.model.mask_rcnn.learning.loss_model import LossModel
    from anomaly.model.mask_rcnn.network import inference_model

    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    blocks = resnet50_blocks()
    network = inference_model(blocks)
    loss_model = LossModel(network, blocks)
    batch = jax.device_put(noise(BATCH, len(loss_model.anchors), blocks.settings.proposals))
    image = batch["image"].astype("float32")
    training = _training(loss_model, folder)
    memory = gpus[0].memory_stats()["peak_bytes_in_use"]
    return {
        "gpu": gpus[0].device_kind,
        "training": training,
        "gigabytes": memory / 1e9,
        "step": _step(loss_model, lambda losses: sum(losses.values()), batch),
        "plain": _step(blocks.pyramid, lambda maps: sum(map(_mean, maps)), image),
        "inference": _inference(network, image),
        "prediction": _prediction(network, image),
    }


def _mean(values: Any) -> Any:
    return values.astype("float32").mean()


def _step(model: keras.Model, loss_of: Callable, batch: Any) -> float:
    """Forward, backward and optimizer step on data on the device, without Keras' fit."""
    import jax

    model(batch)  # builds
    optimizer = _optimizer()
    optimizer.build(model.trainable_variables)

    def loss(trainable: list, fixed: list) -> Any:
        outputs, fixed = model.stateless_call(trainable, fixed, batch, training=True)
        return loss_of(outputs), fixed

    @jax.jit
    def step(trainable: list, fixed: list, state: list) -> tuple:
        (_, fixed), gradients = jax.value_and_grad(loss, has_aux=True)(trainable, fixed)
        return *optimizer.stateless_apply(state, gradients, trainable), fixed

    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    trainable, fixed, state = ([jax.numpy.array(v.value) for v in group] for group in groups)
    return _seconds(lambda: step(trainable, fixed, state))


def _inference(network: keras.Model, image: Any) -> float:
    import jax

    values = [
        [variable.value for variable in variables]
        for variables in (network.trainable_variables, network.non_trainable_variables)
    ]
    predict = jax.jit(lambda image: network.stateless_call(*values, image)[0])
    return _seconds(lambda: predict(image))


def _seconds(work: Callable[[], Any]) -> float:
    """Seconds per image; the device computes while the next call is prepared."""
    import jax

    jax.block_until_ready(work())  # compiles
    start = time.perf_counter()
    jax.block_until_ready([work() for _ in range(TRIES)])
    return (time.perf_counter() - start) / TRIES / BATCH


def _training(loss_model: LossModel, folder: Path) -> float:
    """Seconds per image in whole epochs of a run, with checkpoints, without validation."""
    from anomaly.model.mask_rcnn.learning.loop import TrainingLoop
    from anomaly.model.training.checkpoint import Checkpoint

    batches = _batches(loss_model, folder)
    loss_model.compile(_optimizer(), jit_compile=True)
    times: list[float] = []
    loop = TrainingLoop(loss_model, batches, lambda: 0.0, EPOCHS + 1, EPOCHS, "none")
    checkpoint = Checkpoint(folder / "checkpoints", "bench")
    loop.run(checkpoint, lambda epoch, figures: times.append(time.perf_counter()))
    return (times[-1] - times[0]) / (EPOCHS - 1) / len(batches) / BATCH


def _optimizer() -> keras.optimizers.Optimizer:
    import keras

    return keras.optimizers.AdamW(1e-5, global_clipnorm=10.0)


def _batches(loss_model: LossModel, folder: Path) -> Any:
    from anomaly.augment import strong
    from anomaly.cache.store import Cache
    from anomaly.config.schema import StageConfig
    from anomaly.data import demo
    from anomaly.model.mask_rcnn.learning.batches import Batches, Shapes

    cache = Cache(folder / "cache", 4.0)
    data = demo.build(
        cache=cache, root=str(folder), images=DEFECTS, side=SIZE, train=0.7, test=0.15,
        validate=0.15, folds=None, fold=0, seed=0, copy_correlation=1.0, grid=256,
        min_instance_area=10,
    )  # fmt: skip
    policy = strong.build(
        seed=0, factor="balance", good_factor=1, rotation=180, brightness=0.25, contrast=0.25,
        shift=0.05, zoom=0.1, noise=0.04, border="reflect",
    )  # fmt: skip
    settings = loss_model.blocks.settings
    shapes = Shapes(SIZE, len(loss_model.anchors), settings.proposals, INSTANCES)
    stage = StageConfig(EPOCHS, 1e-5, BATCH, None)
    return Batches(data.train, policy, cache, shapes, stage=stage, negatives=1.0, seed=0)


def _prediction(network: keras.Model, image: Any) -> float:
    """Seconds per image as a run predicts, with transfers and masks on the evaluation grid."""
    from anomaly.model.answers.turned import find
    from anomaly.model.mask_rcnn.inference import BATCH, predict_rows

    network.compile(jit_compile=True)
    images = np.asarray(image)[:BATCH]
    work = partial(find, partial(predict_rows, network), images, 256, 1)
    work()  # compiles
    start = time.perf_counter()
    for _ in range(TRIES):
        work()
    return (time.perf_counter() - start) / TRIES / len(images)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_in_this_process(Path(folder))))
