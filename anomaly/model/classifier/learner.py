"""The classifier as a learner: fit, predict, save and load."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from anomaly.cache.store import Cache
from anomaly.config.schema import TrainerConfig
from anomaly.data.truth import load_instances
from anomaly.model.answers.localise import choose_threshold, predictions
from anomaly.model.classifier.inference import Inference, Reference, reference
from anomaly.model.classifier.maps import Maps
from anomaly.model.classifier.stages import Recipe, Stages
from anomaly.model.learner import Graph, Report
from anomaly.model.training.checkpoint import Checkpoint
from anomaly.types import Image, Predictions, Split

REFERENCE_IMAGES = 50  # good images whose mean feature maps are the reference


class Classifier:
    """A learner; `model` maps RGB 0-255 to probabilities, `settings` hold the rest."""

    reads = frozenset({"backbone", "augment", "optimizer", "trainer"})
    tells = frozenset({"types", "heat", "instances"})
    augments_each_epoch = False

    def __init__(
        self,
        model: keras.Model,
        classes: tuple[str, ...],
        settings: dict,
        cache: Cache,
        recipe: Recipe | None = None,
        good: Reference = (),
    ) -> None:
        self.classes = classes
        self.settings = settings
        self.cache = cache
        self.recipe = recipe
        self.good = good
        self.checkpoints: list[Checkpoint] = []
        self.model = model

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Train the head on frozen features, then everything; choose the heat threshold.

        Raises:
            InputError: the loss is no longer finite.
        """
        if self.recipe is None:
            raise ValueError("a loaded classifier can only predict; build a new one to train")
        stages = Stages(self.model, self.recipe, train, validate, self.cache)
        self.checkpoints = stages.checkpoints
        self.model = stages.train(trainer, report)
        good = [sample.image for sample in train if sample.label == 0][:REFERENCE_IMAGES]
        self.good = reference(self._maps(), good)
        self._choose_threshold(validate)

    def _choose_threshold(self, validate: Split) -> None:
        _, heat = self.inference(validate.images, validate.grid)
        self.settings["threshold"] = choose_threshold(heat, load_instances(validate) > 0)

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """Probabilities averaged over the views, heat maps, and instances at the threshold."""
        proba, heat = self.inference(images, grid)
        return predictions(images, self.classes, proba, heat, self.settings["threshold"])

    @cached_property
    def inference(self) -> Inference:
        """The trained network at work, which must not be trained any more."""
        return Inference(
            self._maps(), self.model.get_layer("head"), self.settings["pooling"], self.good
        )

    def _maps(self) -> Maps:
        features, settings = self.model.get_layer("features"), self.settings
        return Maps(features, settings["levels"], settings["views"], self.cache)

    def in_views(self, views: int, validate: Split) -> Classifier:
        """The same network judging fewer views of a photo, the heat threshold chosen for them."""
        settings = {**self.settings, "views": views}
        good = [level[:views] for level in self.good]
        fewer = Classifier(self.model, self.classes, settings, self.cache, good=good)
        fewer._choose_threshold(validate)
        return fewer

    def graph(self, grid: int) -> Graph:
        """Photo to probabilities and heat, with the views inside."""
        return Graph(self.inference.graph(grid), {"threshold": self.settings["threshold"]})

    def save(self, folder: Path) -> None:
        """Write model.keras (RGB to probabilities), classifier.json and good.npz; drop checkpoints."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / "model.keras")
        content = {"classes": self.classes, **self.settings}
        (folder / "classifier.json").write_text(json.dumps(content, indent=2))
        views = zip(*self.good, strict=True)
        np.savez(folder / "good.npz", *(level for view in views for level in view))
        for checkpoint in self.checkpoints:
            checkpoint.delete()


def load(folder: Path, cache: Cache) -> Classifier:
    """The classifier that `save` wrote; it predicts the same. Damaged files raise various errors."""
    model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    settings = json.loads((folder / "classifier.json").read_text())
    with (folder / "good.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        maps = [file[name] for name in file.files]
    levels = len(settings["levels"])
    good = [np.stack(maps[level::levels]) for level in range(levels)]
    return Classifier(model, tuple(settings.pop("classes")), settings, cache, good=good)
