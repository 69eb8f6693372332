"""The two stages of a detector's training: with frozen levels, then with everything."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras

from anomaly.cache.store import Cache
from anomaly.config.schema import StageConfig, TrainerConfig
from anomaly.errors import InputError
from anomaly.metrics.average_precision import average_precisions, judge
from anomaly.model.learner import Report
from anomaly.model.mask_rcnn.files import MODEL_FILE
from anomaly.model.mask_rcnn.inference import find_in_images
from anomaly.model.mask_rcnn.learning.batches import Batches, Shapes
from anomaly.model.mask_rcnn.learning.loop import Diverged, TrainingLoop
from anomaly.model.mask_rcnn.learning.loss_model import LossModel
from anomaly.model.mask_rcnn.learning.recipe import Recipe
from anomaly.model.mask_rcnn.pyramid import freeze
from anomaly.model.training.checkpoint import Checkpoint, key_of
from anomaly.model.training.devices import jit
from anomaly.model.training.distribution import over_devices
from anomaly.model.training.epochs import numbered_from
from anomaly.types import Split, Truth

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stages:
    """Trains `model` stage by stage; `save` writes it into a folder if the training diverges."""

    model: keras.Model
    recipe: Recipe
    train_split: Split
    validate: Split
    truth: Truth  # of validate
    cache: Cache
    save: Callable[[Path], None]
    # One per stage, kept until the model is saved.
    checkpoints: list[Checkpoint] = field(default_factory=list)

    def train(self, trainer: TrainerConfig, report: Report) -> None:
        """Stage one with the frozen levels, stage two without.

        Raises:
            InputError: no defect in the train split, or a loss that is no longer finite.
        """
        recipe, epochs = self.recipe, 0
        stages = (("trainer", trainer, recipe.frozen), ("trainer.finetune", trainer.finetune, None))
        for name, stage, level in stages:
            if stage.epochs:
                frozen = freeze(recipe.backbone, level, recipe.freeze_batch_norm)
                self._train_stage(name, stage, trainer, numbered_from(epochs, report))
                epochs += stage.epochs
                for layer in frozen:
                    layer.trainable = True

    def _train_stage(
        self, name: str, stage: StageConfig, trainer: TrainerConfig, report: Report
    ) -> None:
        batches = self._batches(stage)
        loss_model = self._compiled(stage, trainer, len(batches))
        checkpoint = self._checkpoint(loss_model, batches, stage)
        self.checkpoints.append(checkpoint)
        loop = TrainingLoop(
            loss_model, batches, self._validation_map, self.recipe.validate_every, stage.epochs,
            trainer.distribution,
        )  # fmt: skip
        try:
            loop.run(checkpoint, report)
        except Diverged as error:
            raise InputError(f"{error}: {self._advice(checkpoint, name)}") from None

    def _batches(self, stage: StageConfig) -> Batches:
        recipe, blocks = self.recipe, self.recipe.blocks
        anchors, proposals = sum(map(len, blocks.propose.anchors)), blocks.settings.proposals
        shapes = Shapes(blocks.size, anchors, proposals, recipe.max_instances)
        batches = Batches(
            self.train_split, recipe.policy, self.cache, shapes,
            stage=stage, negatives=recipe.negatives, seed=recipe.seed,
        )  # fmt: skip
        if not batches.defective:
            raise InputError("the train split has no defective image: there is nothing to find")
        if left_out := batches.left_out():
            log.warning(
                "training leaves out %d instances, the smallest: an image has at most"
                " model.max_instances=%d", left_out, recipe.max_instances,
            )  # fmt: skip
        return batches

    def _compiled(self, stage: StageConfig, trainer: TrainerConfig, steps: int) -> LossModel:
        """The loss model with its optimizer, of `steps` in an epoch."""
        rate, total = stage.learning_rate, stage.epochs * steps
        with over_devices(trainer.distribution):
            loss_model = LossModel(self.model, self.recipe.blocks)
            optimizer = self.recipe.optimizer(learning_rate=rate, steps=total)
            loss_model.compile(optimizer, jit_compile=jit(trainer.xla))
        self.model.compile(jit_compile=jit(trainer.xla))
        return loss_model

    def _checkpoint(
        self, loss_model: LossModel, batches: Batches, stage: StageConfig
    ) -> Checkpoint:
        """Its key covers everything that decides what is learned."""
        recipe, validate = self.recipe, self.validate
        samples = (*batches.defective, *batches.good, *validate)
        settings = (
            [(s.id, s.image.content, s.label, s.annotation.digest) for s in samples],
            [w.name for w in loss_model.trainable_weights],
            asdict(recipe.blocks.settings), stage.settings(), recipe.policy.name,
            recipe.max_instances, recipe.negatives, recipe.validate_every, recipe.seed,
            validate.grid, validate.min_instance_area,
        )  # fmt: skip
        key = key_of(self.model, loss_model.optimizer, (), *settings)
        return Checkpoint(self.cache.root.with_name("checkpoints"), key)

    def _validation_map(self) -> float:
        """mAP on validate, by a single view since it is computed often."""
        images, grid = self.validate.images, self.validate.grid
        findings = find_in_images(self.model, images, grid, 1, self.cache)
        detections = [each.detections for each in findings]
        return average_precisions(judge(self.truth, detections)).get("map", 0.0)

    def _advice(self, checkpoint: Checkpoint, stage: str) -> str:
        """What to do after a training diverged, and where the weights from before are saved."""
        advice = f"lower {stage}.learning_rate, or clip gradients (optimizer=warmup optimizer.clipnorm=1)"
        if checkpoint.read() is None and len(self.checkpoints) == 1:
            return advice  # nothing was learned
        folder = checkpoint.path.with_suffix("")
        self.save(folder)
        checkpoint.delete()
        return (
            f"{advice}; to continue from the last good weights: model.weights={folder / MODEL_FILE}"
        )
