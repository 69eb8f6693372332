"""The classifier as a learner: fit, predict, save and load."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from anomaly.cache.store import Cache
from anomaly.config.schema import TrainerConfig
from anomaly.data.truth import load_instances
from anomaly.model.classifier.inference import Inference, Reference
from anomaly.model.classifier.maps import Maps
from anomaly.model.classifier.stages import Recipe, Stages
from anomaly.model.learner import Report
from anomaly.model.localise import choose_threshold, predictions
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
        self._set_model(model)

    def _set_model(self, model: keras.Model) -> None:
        """Predict with this network from now on; its weights must not change any more."""
        self.model = model
        levels, pooling, views = (self.settings[name] for name in ("levels", "pooling", "views"))
        maps = Maps(model.get_layer("features"), levels, views, self.cache)
        self.inference = Inference(maps, model.get_layer("head"), pooling)

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Train the head on frozen features, then everything; choose the heat threshold.

        Raises:
            InputError: the loss is no longer finite.
        """
        if self.recipe is None:
            raise ValueError("a loaded classifier can only predict; build a new one to train")
        stages = Stages(self.model, self.recipe, train, validate, self.cache)
        self.checkpoints = stages.checkpoints
        self._set_model(stages.train(trainer, report))
        good = [sample.image for sample in train if sample.label == 0][:REFERENCE_IMAGES]
        self.good = self.inference.reference(good)
        _, heat = self.inference(validate.images, validate.grid, self.good)
        self.settings["threshold"] = choose_threshold(heat, load_instances(validate) > 0)

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """Probabilities averaged over the views, heat maps, and instances at the threshold."""
        proba, heat = self.inference(images, grid, self.good)
        return predictions(images, self.classes, proba, heat, self.settings["threshold"])

    def save(self, folder: Path) -> None:
        """Write model.keras (RGB to probabilities), classifier.json and good.npz; drop checkpoints."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / "model.keras")
        content = {"classes": self.classes, **self.settings}
        (folder / "classifier.json").write_text(json.dumps(content, indent=2))
        np.savez(folder / "good.npz", *(level for view in self.good for level in view))
        for checkpoint in self.checkpoints:
            checkpoint.delete()


def load(folder: Path, cache: Cache) -> Classifier:
    """The classifier that `save` wrote; it predicts the same. Damaged files raise various errors."""
    model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    settings = json.loads((folder / "classifier.json").read_text())
    with (folder / "good.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        maps = [file[name] for name in file.files]
    levels = len(settings["levels"])
    good = [maps[i : i + levels] for i in range(0, len(maps), levels)]
    return Classifier(model, tuple(settings.pop("classes")), settings, cache, good=good)
