"""The learner: fits Mask R-CNN to a split, and says what it finds in the words of all learners."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from anomaly.cache.store import Cache
from anomaly.config.schema import StageConfig, TrainerConfig
from anomaly.data.images import load_images
from anomaly.data.truth import load_truth
from anomaly.errors import InputError
from anomaly.metrics.average_precision import average_precisions, judge
from anomaly.model.learner import Report
from anomaly.model.mask_rcnn import decide
from anomaly.model.mask_rcnn.learning.batches import Batches, Shapes
from anomaly.model.mask_rcnn.learning.loss_model import LossModel
from anomaly.model.mask_rcnn.learning.loop import Diverged, Trainer
from anomaly.model.mask_rcnn.network import Parts
from anomaly.model.mask_rcnn.pyramid import freeze
from anomaly.model.mask_rcnn.initial_weights import NOTES
from anomaly.model.mask_rcnn.views import Rows, Seen, look
from anomaly.model.training.checkpoint import Checkpoint, key_of
from anomaly.model.training.devices import jit
from anomaly.model.training.distribution import over_devices
from anomaly.model.training.epochs import numbered_after
from anomaly.runtime.progress import track
from anomaly.types import Image, Predictions, Split, Truth

if TYPE_CHECKING:
    from anomaly.augment.policy import Policy

log = logging.getLogger(__name__)
FILE = "model.keras"
BATCH = 2  # images looked at together; each is found alike in any company


@dataclass(frozen=True)
class Recipe:
    """What a detector needs to learn, and not to predict."""

    parts: Parts
    backbone: keras.Model
    frozen: str | None
    freeze_batch_norm: bool
    policy: Policy
    optimizer: Callable[..., keras.optimizers.Optimizer]
    max_instances: int
    negatives: float
    validate_every: int
    seed: int


class Detector:
    """A learner; `model` maps RGB 0-255 to a fixed number of detections (`network.finder`)."""

    reads = frozenset({"backbone", "augment", "optimizer", "trainer"})
    tells = frozenset({"types", "heat", "instances"})
    augments_anew = True

    def __init__(
        self,
        model: keras.Model,
        classes: tuple[str, ...],
        cache: Cache,
        thresholds: dict[str, float],
        views: int,
        recipe: Recipe | None = None,
    ) -> None:
        self.model, self.classes, self.cache = model, classes, cache
        self.thresholds, self.views, self.recipe = thresholds, views, recipe
        self.checkpoints: list[Checkpoint] = []  # of each stage, kept until `save`

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Stage one with the frozen levels as they are, stage two with everything, then thresholds.

        Raises:
            InputError: nothing to find in the train part, or a loss that is no longer finite.
        """
        if self.recipe is None:
            raise ValueError("a loaded detector predicts; build a new one to learn")
        truth = load_truth(validate, self.classes)
        own, done = self.recipe, 0
        for stage, level in ((trainer, own.frozen), (trainer.finetune, None)):
            if stage.epochs:
                frozen = freeze(own.backbone, level, own.freeze_batch_norm)
                self._learn(train, (validate, truth), stage, trainer, numbered_after(done, report))
                done += stage.epochs
                for layer in frozen:
                    layer.trainable = True
        seen = self._find(validate.images, validate.grid, self.views, "validation")
        detections = [detected for detected, _ in seen]
        scores = decide.strongest(detections, len(self.classes))
        least = own.parts.settings.min_score / self.views  # where but one of them shows something
        self.thresholds = {
            "name": decide.choose_threshold(scores, truth.labels, least),
            "pixel": decide.choose_pixel_threshold(detections, truth.masks),
        }

    def _learn(
        self,
        train: Split,
        validate: tuple[Split, Truth],
        stage: StageConfig,
        trainer: TrainerConfig,
        report: Report,
    ) -> None:
        own = self.recipe
        assert own is not None
        batches = self._batches(train, stage)
        rate, steps = stage.learning_rate, stage.epochs * len(batches)
        with over_devices(trainer.distribution):
            loss_model = LossModel(self.model, own.parts)
            optimizer = own.optimizer(learning_rate=rate, steps=steps)
            loss_model.compile(optimizer, jit_compile=jit(trainer.xla))
        self.model.compile(jit_compile=jit(trainer.xla))
        checkpoint = self._checkpoint(loss_model, batches, validate[0], stage)
        taught = Trainer(
            loss_model, batches, lambda: self._map(*validate), own.validate_every, stage.epochs,
            trainer.distribution,
        )  # fmt: skip
        self.checkpoints.append(checkpoint)
        try:
            taught.run(checkpoint, report)
        except Diverged as error:
            name = "trainer" if stage is trainer else "trainer.finetune"
            raise InputError(f"{error}: {self._advice(checkpoint, name)}") from None

    def _advice(self, checkpoint: Checkpoint, stage: str) -> str:
        """What to do about a training that diverged; what it had learned before is kept."""
        advice = f"lower {stage}.learning_rate, or clip gradients (optimizer=warmup optimizer.clipnorm=1)"
        if checkpoint.read() is None and len(self.checkpoints) == 1:
            return advice  # nothing was learned
        folder = checkpoint.path.with_suffix("")
        self._write(folder)
        checkpoint.done()
        return advice + f"; to begin with what was learned before: model.weights={folder / FILE}"

    def _batches(self, train: Split, stage: StageConfig) -> Batches:
        own = self.recipe
        assert own is not None
        anchors = sum(map(len, own.parts.propose.anchors))
        proposals = own.parts.settings.proposals
        shapes = Shapes(own.parts.size, anchors, proposals, own.max_instances)
        batches = Batches(
            train, own.policy, self.cache, shapes,
            stage=stage, negatives=own.negatives, seed=own.seed,
        )  # fmt: skip
        if not batches.defective:
            raise InputError("the train part has no defective image: there is nothing to find")
        if left_out := batches.left_out():
            log.warning(
                "%d of the smallest instances are left out of training: an image has at most"
                " model.max_instances=%d", left_out, own.max_instances,
            )  # fmt: skip
        return batches

    def _checkpoint(
        self, loss_model: LossModel, batches: Batches, validate: Split, stage: StageConfig
    ) -> Checkpoint:
        """Named after all that decides what is learned."""
        own = self.recipe
        assert own is not None
        every = (*batches.defective, *batches.good, *validate)
        words = (
            [(s.id, s.image.content, s.label, s.annotation.digest) for s in every],
            [w.name for w in loss_model.trainable_weights],
            asdict(own.parts.settings), stage.settings(), own.policy.name, own.max_instances,
            own.negatives, own.validate_every, own.seed, validate.grid, validate.min_instance_area,
        )  # fmt: skip
        key = key_of(self.model, loss_model.optimizer, (), *words)
        return Checkpoint(self.cache.root.with_name("checkpoints"), key)

    def _map(self, split: Split, truth: Truth) -> float:
        seen = self._find(split.images, split.grid, 1)  # often: one view has to do
        detections = [detected for detected, _ in seen]
        return average_precisions(judge(truth, detections)).get("map", 0.0)

    def _find(self, images: Sequence[Image], grid: int, views: int, label: str = "") -> list[Seen]:
        side = self.model.input_shape[1]
        seen: list[Seen] = []
        starts = range(0, len(images), BATCH)
        for start in track(starts, label, len(starts)) if label else starts:
            pixels = load_images(images[start : start + BATCH], side, self.cache)
            seen += look(partial(_rows, self.model), pixels.astype(np.float32), grid, views)
        return seen

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """Detections, the class of the best one, and the pixels under those that are sure enough."""
        every = self._find(images, grid, self.views, "detections")
        detections = tuple(detected for detected, _ in every)
        scores = decide.strongest(detections, len(self.classes))
        covered = [decide.covered(detected, self.thresholds["pixel"]) for detected in detections]
        empty = np.zeros((0, grid, grid), np.float32)
        return Predictions(
            tuple(image.id for image in images),
            self.classes,
            decide.probabilities(scores, self.thresholds["name"]),
            np.stack([heat for _, heat in every]) if every else empty,
            np.stack(covered) if covered else empty.astype(bool),
            detections,
        )

    def save(self, folder: Path) -> None:
        """model.keras (RGB to detections) and detector.json; checkpoints have served then."""
        self._write(folder)
        for checkpoint in self.checkpoints:
            checkpoint.done()

    def _write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / FILE)
        content = {
            "classes": self.classes,
            "thresholds": self.thresholds,
            "views": self.views,
        }
        (folder / NOTES).write_text(json.dumps(content, indent=2))


def load(folder: Path, cache: Cache) -> Detector:
    """The detector that `save` wrote; it predicts the same."""
    model = keras.saving.load_model(folder / FILE, compile=False, safe_mode=True)
    model.compile(jit_compile=jit(None))
    content = json.loads((folder / NOTES).read_text())
    return Detector(
        model, tuple(content["classes"]), cache, content["thresholds"], content["views"]
    )


def _rows(model: keras.Model, images: np.ndarray) -> Rows:
    """One mapping for each image; the batch is always full, so that one shape is compiled."""
    short = BATCH - len(images)
    full = np.concatenate([images, np.repeat(images[-1:], short, 0)]) if short else images
    out = {name: np.asarray(values) for name, values in model.predict_on_batch(full).items()}
    return [{name: values[k] for name, values in out.items()} for k in range(len(images))]
