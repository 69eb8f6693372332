"""Names the class of an image: a head on a backbone's pooled features."""

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
from anomaly.model.classifier.stages import Recipe, Stages
from anomaly.model.learner import Report
from anomaly.model.localise import choose_threshold, instances
from anomaly.model.training.checkpoint import Checkpoint
from anomaly.types import Image, Predictions, Split

REFERENCE = 50  # good images that show what good looks like


class Classifier:
    """A learner; `model` maps RGB 0-255 to probabilities, `settings` hold the rest."""

    reads = frozenset({"backbone", "augment", "optimizer", "trainer"})
    tells = frozenset({"types", "heat", "instances"})
    augments_anew = False

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
        self._use(model)

    def _use(self, model: keras.Model) -> None:
        """From here on it predicts with this network, which changes no more."""
        self.model = model
        chosen = {name: self.settings[name] for name in ("levels", "pooling", "views")}
        parts = (model.get_layer("features"), model.get_layer("head"))
        self.inference = Inference(*parts, cache=self.cache, **chosen)

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Stage one on frozen features, stage two on everything, then the heat map's threshold.

        Raises:
            InputError: the loss is no longer finite.
        """
        if self.recipe is None:
            raise ValueError("a loaded classifier predicts; build a new one to learn")
        stages = Stages(self.model, self.recipe, train, validate, self.cache)
        self.checkpoints = stages.checkpoints
        self._use(stages.learn(trainer, report))
        good = [sample.image for sample in train if sample.label == 0][:REFERENCE]
        self.good = self.inference.reference(good)
        _, heat = self.inference(validate.images, validate.grid, self.good)
        masks = load_instances(validate) > 0
        self.settings["threshold"] = choose_threshold(heat, masks)

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """Probabilities averaged over the views, heat maps, and instances at the threshold."""
        proba, heat = self.inference(images, grid, self.good)
        threshold = self.settings["threshold"]
        detections = tuple(instances(h, p, threshold) for h, p in zip(heat, proba, strict=True))
        ids = tuple(image.id for image in images)
        return Predictions(ids, self.classes, proba, heat, heat >= threshold, detections)

    def save(self, folder: Path) -> None:
        """model.keras (RGB to probabilities), classifier.json and good.npz; checkpoints have served."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / "model.keras")
        content = {"classes": self.classes, **self.settings}
        (folder / "classifier.json").write_text(json.dumps(content, indent=2))
        np.savez(folder / "good.npz", *(level for view in self.good for level in view))
        for checkpoint in self.checkpoints:
            checkpoint.done()


def load(folder: Path, cache: Cache) -> Classifier:
    """The classifier that `save` wrote; it predicts the same."""
    model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    settings = json.loads((folder / "classifier.json").read_text())
    with (folder / "good.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        flat = [file[name] for name in file.files]
    levels = len(settings["levels"])
    good = [flat[i : i + levels] for i in range(0, len(flat), levels)]
    return Classifier(model, tuple(settings.pop("classes")), settings, cache, good=good)
