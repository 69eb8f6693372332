"""Mask R-CNN as a learner: fit, predict, save and load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras

from anomaly.cache.store import Cache
from anomaly.config.schema import TrainerConfig
from anomaly.data.truth import load_truth
from anomaly.model.answers import decide
from anomaly.model.answers.detections import predictions
from anomaly.model.learner import Graph, Report
from anomaly.model.mask_rcnn import files
from anomaly.model.mask_rcnn.inference import find_in_images
from anomaly.model.mask_rcnn.learning.recipe import Recipe
from anomaly.model.mask_rcnn.learning.stages import Stages
from anomaly.model.training.checkpoint import Checkpoint
from anomaly.model.training.devices import jit
from anomaly.types import Image, Predictions, Split, Truth


class Detector:
    """A learner; `model` maps RGB 0-255 to a fixed number of detections (`inference_model`)."""

    reads = frozenset({"backbone", "augment", "optimizer", "trainer"})
    tells = frozenset({"types", "heat", "instances"})
    augments_each_epoch = True

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
        self.checkpoints: list[Checkpoint] = []

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Train without the frozen levels, then everything; choose the thresholds.

        Raises:
            InputError: no defect in the train split, or a loss that is no longer finite.
        """
        if self.recipe is None:
            raise ValueError("a loaded detector can only predict; build a new one to train")
        truth = load_truth(validate, self.classes)
        stages = Stages(self.model, self.recipe, train, validate, truth, self.cache, self._write)
        self.checkpoints = stages.checkpoints
        stages.train(trainer, report)
        self._choose_thresholds(validate, truth, self.recipe.blocks.settings.min_score)

    def _choose_thresholds(self, validate: Split, truth: Truth, min_score: float) -> None:
        images, grid = validate.images, validate.grid
        findings = find_in_images(self.model, images, grid, self.views, self.cache, "validation")
        detections = [each.detections for each in findings]
        scores = decide.best_scores(detections, len(self.classes))
        lowest = min_score / self.views  # of an instance that only one view shows
        self.thresholds = {
            "name": decide.choose_class_threshold(scores, truth.labels, lowest),
            "pixel": decide.choose_pixel_threshold(detections, truth.masks),
        }

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """Detections; the class by the best of them, and the pixels of those above the threshold."""
        findings = find_in_images(self.model, images, grid, self.views, self.cache, "detections")
        return predictions(images, self.classes, findings, self.thresholds, grid)

    def graph(self, grid: int) -> Graph:
        """The network, which finds in one view; the views are turned and merged around it."""
        side = self.model.input_shape[1]
        photos = keras.Input((side, side, 3), dtype="uint8", name="photos")
        network = keras.Model(photos, self.model(keras.ops.cast(photos, "float32")))
        return Graph(network, {"views": self.views, "thresholds": self.thresholds})

    def save(self, folder: Path) -> None:
        """Write model.keras (RGB to detections) and detector.json; drop the checkpoints."""
        self._write(folder)
        for checkpoint in self.checkpoints:
            checkpoint.delete()

    def _write(self, folder: Path) -> None:
        settings = {"classes": self.classes, "thresholds": self.thresholds, "views": self.views}
        files.write(folder, self.model, settings)


def load(folder: Path, cache: Cache) -> Detector:
    """The detector that `save` wrote; it predicts the same. Damaged files raise various errors."""
    model = files.read_model(folder / files.MODEL_FILE)
    model.compile(jit_compile=jit(None))
    settings = files.read_settings(folder)
    classes, thresholds = tuple(settings["classes"]), settings["thresholds"]
    return Detector(model, classes, cache, thresholds, settings["views"])
