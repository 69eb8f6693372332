"""The bag of visual words as a learner: fit, predict, save and load."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anomaly.cache.store import Cache
from anomaly.data.truth import load_instances
from anomaly.model.answers.localise import choose_threshold, heat_maps, predictions
from anomaly.model.bovw.bag import TrainedBag, from_arrays
from anomaly.model.bovw.descriptors import Sampling
from anomaly.model.bovw.encoder import Encoder
from anomaly.model.bovw.training import Recipe
from anomaly.model.pictures import turn_back, views
from anomaly.types import Image, Predictions, Split

if TYPE_CHECKING:
    from anomaly.config.schema import TrainerConfig
    from anomaly.model.learner import Report

SETTINGS = ("image_size", "sampling", "step", "scales", "root", "pyramid", "views", "threshold")


class BagOfWords:
    """A learner without a network: training gives a `TrainedBag`, `settings` hold the rest."""

    reads = frozenset({"augment"})
    tells = frozenset({"types", "heat", "instances"})
    augments_each_epoch = False
    model = None  # it has no Keras network

    def __init__(
        self,
        classes: tuple[str, ...],
        settings: dict,
        cache: Cache,
        recipe: Recipe | None = None,
        bag: TrainedBag | None = None,
    ) -> None:
        self.classes = classes
        self.settings = settings
        self.cache = cache
        self.recipe = recipe
        self.bag = bag
        kind, step, scales = (settings[name] for name in ("sampling", "step", "scales"))
        self.encoder = Encoder(Sampling(kind, step, tuple(scales)), cache)

    def fit(self, train: Split, validate: Split, trainer: TrainerConfig, report: Report) -> None:
        """Learn words and SVMs from `train`; choose the heat threshold on `validate`.

        There are no epochs, so `trainer` and `report` are not used.

        Raises:
            InputError: fewer descriptors than words, or a class too small for the grid search.
        """
        if self.recipe is None:
            raise ValueError("a loaded bag of words can only predict; build a new one to train")
        size, root, levels = (self.settings[name] for name in ("image_size", "root", "pyramid"))
        self.bag = self.recipe.train(train, self.encoder, size=size, root=root, levels=levels)
        _, heat = self._infer(validate.images, validate.grid)
        self.settings["threshold"] = choose_threshold(heat, load_instances(validate) > 0)

    def predict(self, images: Sequence[Image], grid: int) -> Predictions:
        """Probabilities averaged over the views, heat maps, and instances at the threshold."""
        proba, heat = self._infer(images, grid)
        return predictions(images, self.classes, proba, heat, self.settings["threshold"])

    def _infer(self, images: Sequence[Image], grid: int) -> tuple[np.ndarray, np.ndarray]:
        """(n, c) float64 probabilities, and (n, grid, grid) float32 heat in 0..1."""
        bag, count, size = self._trained(), self.settings["views"], self.settings["image_size"]
        pictures = [p for view in range(count) for p in views(images, view, size, self.cache)]
        words = self.encoder(pictures, bag.vocabulary, "visual words")
        proba = np.zeros((len(images), len(self.classes)))
        total = np.zeros((len(images), grid, grid), np.float32)
        for view in range(count):
            of_view = words[view * len(images) : (view + 1) * len(images)]
            proba_of_view, evidence = bag(of_view, grid)
            proba += proba_of_view / count
            total += [turn_back(one, view) for one in evidence]
        return proba, heat_maps(total, proba)

    def _trained(self) -> TrainedBag:
        if self.bag is None:
            raise ValueError("a bag of words must be trained before it predicts or is saved")
        return self.bag

    def graph(self, grid: int) -> None:
        """There is no network to export: what `save` writes needs OpenCV alone."""

    def save(self, folder: Path) -> None:
        """Write bovw.json and bovw.npz."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {"classes": self.classes, **self.settings}
        (folder / "bovw.json").write_text(json.dumps(content, indent=2))
        arrays: Any = self._trained().arrays()
        np.savez_compressed(folder / "bovw.npz", **arrays)


def load(folder: Path, cache: Cache) -> BagOfWords:
    """The bag of words that `save` wrote; it predicts the same. Damaged files raise various errors."""
    content = json.loads((folder / "bovw.json").read_text())
    settings = {name: content[name] for name in SETTINGS}
    classes = tuple(content["classes"])
    with (folder / "bovw.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    bag = from_arrays(arrays, len(classes), settings["root"], settings["pyramid"])
    return BagOfWords(classes, settings, cache, bag=bag)
