"""Stage two: backbone and head learn together, batch norm in inference mode."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import keras
import numpy as np

from anomaly.config.schema import TrainerConfig
from anomaly.model.classifier.head_training import check_finite
from anomaly.model.fingerprint import every_layer
from anomaly.model.learner import Report
from anomaly.model.pictures import Picture
from anomaly.model.training.checkpoint import Best, Checkpoint, Memory
from anomaly.model.training.devices import jit
from anomaly.model.training.distribution import devices, over_devices
from anomaly.model.training.epochs import FIGURES, AfterBatch, Course
from anomaly.model.training.prefetch import Ahead
from anomaly.runtime.progress import bar

MEMORY = 2 * 2**30  # bytes of pictures kept


class Labelled(NamedTuple):
    """Pictures, and the (n,) int64 class of each."""

    pictures: Sequence[Picture]
    labels: np.ndarray


def finetune(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    train: Labelled,
    validate: Labelled,
    trainer: TrainerConfig,
    seed: int,
    report: Report,
    checkpoint: Checkpoint,
) -> None:
    """Train every weight of `network` (RGB to probabilities); keep the best validation epoch.

    It goes on from the checkpoint, where there is one; one is written after each epoch.

    The epoch before the first counts too: a stage that only does harm leaves no trace.

    Raises:
        InputError: the loss is no longer finite.
    """
    stage, distribution = trainer.finetune, trainer.distribution
    _hold_statistics(network)
    loss = keras.losses.SparseCategoricalCrossentropy()
    with over_devices(distribution):
        network.compile(optimizer, loss, metrics=["accuracy"], jit_compile=jit(trainer.xla))
        optimizer.build(network.trainable_variables)
    best = Best(network)
    course = Course(Memory(network, optimizer, best), checkpoint, report, every=0)
    if not course.begun:
        best.see(_figures(network.evaluate(Batches(validate, stage.batch_size), verbose=0))[0])
    count = devices(distribution)
    batches = Batches(train, stage.batch_size, seed, stage.steps(len(train.pictures)), count)
    steps = len(batches)
    with bar() as display:
        task = display.add_task("fine-tuning", total=stage.epochs * steps, figures="")
        tick = AfterBatch(lambda logs: display.advance(task))
        display.update(task, completed=course.begun * steps)
        for epoch in range(course.begun, stage.epochs):
            batches.shuffle(epoch)
            with over_devices(distribution):
                history = network.fit(batches, verbose=0, callbacks=[tick], shuffle=False).history
            validation = network.evaluate(Batches(validate, stage.batch_size), verbose=0)
            figures = (history["loss"][0], history["accuracy"][0], *_figures(validation))
            check_finite(figures[0], epoch)
            best.see(figures[2])
            course.ended(dict(zip(FIGURES, figures, strict=True)))
            display.update(task, figures=f"val_loss {figures[2]:.3f}")
    course.finish()
    best.restore()


def _hold_statistics(network: keras.Model) -> None:
    """Batch norm infers, with the statistics of a million images rather than of a small batch.

    A frozen layer is the only way: Keras 3 overrides the `training=False` of a call inside a
    functional graph by that of the graph. Scale and offset stay with the statistics they belong to.
    """
    for layer in every_layer(network):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _figures(evaluated: Sequence[float]) -> tuple[float, float]:
    loss, accuracy = evaluated
    return float(loss), float(accuracy)


class Batches(Ahead):
    """Batches of pictures; with a seed they come in a new order every epoch.

    Pictures are the same in every epoch, so as many as fit into MEMORY are made only once.
    """

    def __init__(
        self,
        labelled: Labelled,
        size: int,
        seed: int | None = None,
        steps: int | None = None,
        multiple: int = 1,
    ) -> None:
        super().__init__()
        self.multiple = multiple
        self.pictures, self.labels = labelled
        self.size = size
        self.seed = seed
        self.steps = steps or -(-len(labelled.pictures) // size)
        self.order = np.arange(len(labelled.pictures))
        self.pool = ThreadPoolExecutor()
        self.kept: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return self.steps

    def make(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(b, h, w, 3) float32 RGB 0-255 and (b,) labels; the last batch may be a short one."""
        places = self.order[index * self.size :][: self.size]
        even = -(-len(places) // self.multiple) * self.multiple  # a short one is filled up
        chosen = np.resize(places, even)
        pictures = [self.pictures[int(place)] for place in chosen]
        images = np.stack(list(self.pool.map(self._image, pictures)))
        return images.astype(np.float32), self.labels[chosen]

    def _image(self, picture: Picture) -> np.ndarray:
        image = self.kept.get(picture.key)
        if image is None:
            image = picture.load()
            if (len(self.kept) + 1) * image.nbytes <= MEMORY:
                self.kept[picture.key] = image
        return image

    def shuffle(self, epoch: int) -> None:
        """The order of one epoch, the same in every run."""
        self.order = np.random.default_rng((self.seed or 0, epoch)).permutation(len(self.pictures))
        self.forget()
